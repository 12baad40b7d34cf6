#include "daemon/idle_strategy.hpp"

#include <poll.h>

#include <array>
#include <ctime>
#include <thread>

#include "daemon/doorbell.hpp"

namespace tamis::daemon {
namespace {

// `yield` looks again for so long before it lets others run.
constexpr std::uint64_t kSpinNs = 4'000;

void pause_core() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

}  // namespace

bool Idler::wants_sleep(std::uint64_t now_ns) noexcept {
    if (!is_idle_) {
        is_idle_ = true;
        idle_since_ns_ = now_ns;
    }
    const bool has_spun = now_ns - idle_since_ns_ > kSpinNs;
    switch (strategy_) {
        case config::IdleStrategy::spin:
            pause_core();
            return false;
        case config::IdleStrategy::yield:
            if (has_spun) {
                std::this_thread::yield();
            } else {
                pause_core();
            }
            return false;
        case config::IdleStrategy::park:
            // At once: looking again takes the core from the library's own threads where there are
            // few, and every look at a link costs two system calls.
            return true;
    }
    return false;
}

void Idler::sleep(const WaitPoint& point) noexcept {
    std::array<pollfd, 3> descriptors{};
    nfds_t count = 0;
    for (const int descriptor : {point.bell == nullptr ? -1 : point.bell->descriptor(),
                                 point.input_descriptor, point.output_descriptor}) {
        if (descriptor >= 0) {
            descriptors[count++] = {.fd = descriptor, .events = POLLIN, .revents = 0};
        }
    }
    const timespec limit{.tv_sec = static_cast<time_t>(point.limit_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(point.limit_ns % 1'000'000'000)};
    ppoll(descriptors.data(), count, &limit, nullptr);
}

}  // namespace tamis::daemon
