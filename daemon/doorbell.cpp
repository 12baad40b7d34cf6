#include "daemon/doorbell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace tamis::daemon {

Doorbell::Doorbell() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Doorbell::~Doorbell() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

void Doorbell::disarm() noexcept {
    armed_.exchange(false, std::memory_order_acq_rel);
    // A ringer that took the arm may write only later: then the next sleep ends at once, and the
    // disarm after it takes the mark away.
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto bytes = read(descriptor_, &rings, sizeof rings);
}

void Doorbell::wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto bytes = write(descriptor_, &one, sizeof one);
}

}  // namespace tamis::daemon
