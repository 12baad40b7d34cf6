#include "daemon/idle_strategy.hpp"

#include <poll.h>

#include <array>
#include <ctime>
#include <thread>

#include "daemon/doorbell.hpp"

namespace tamis::daemon {
namespace {

// A few microseconds of looking again are cheaper than a sleep and its wake-up.
constexpr std::uint32_t kSpinTurns = 32;

void pause_core() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

}  // namespace

bool Idler::wants_sleep() noexcept {
    ++empty_turns_;
    switch (strategy_) {
        case config::IdleStrategy::spin:
            pause_core();
            return false;
        case config::IdleStrategy::yield:
            if (empty_turns_ > kSpinTurns) {
                std::this_thread::yield();
            } else {
                pause_core();
            }
            return false;
        case config::IdleStrategy::park:
            pause_core();
            return empty_turns_ > kSpinTurns;
    }
    return false;
}

void Idler::sleep(const WaitPoint& point) noexcept {
    std::array<pollfd, 2> descriptors{};
    nfds_t count = 0;
    for (const int descriptor :
         {point.bell == nullptr ? -1 : point.bell->descriptor(), point.input_descriptor}) {
        if (descriptor >= 0) {
            descriptors[count++] = {.fd = descriptor, .events = POLLIN, .revents = 0};
        }
    }
    const timespec limit{.tv_sec = static_cast<time_t>(point.limit_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(point.limit_ns % 1'000'000'000)};
    ppoll(descriptors.data(), count, &limit, nullptr);
}

}  // namespace tamis::daemon
