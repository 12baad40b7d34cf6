#include "daemon/steady_time.hpp"

#include <chrono>

namespace tamis::daemon {

std::uint64_t steady_clock_ns() noexcept {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot).count());
}

}  // namespace tamis::daemon
