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

Wake Idler::sleep(const WaitPoint& point) noexcept {
    const auto readable = [](int descriptor) {
        return pollfd{.fd = descriptor, .events = POLLIN, .revents = 0};  // none below 0
    };
    std::array<pollfd, 3> descriptors{
        readable(point.input_descriptor), readable(point.output_descriptor),
        readable(point.bell == nullptr ? -1 : point.bell->descriptor())};
    const timespec limit{.tv_sec = static_cast<time_t>(point.limit_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(point.limit_ns % 1'000'000'000)};
    if (ppoll(descriptors.data(), descriptors.size(), &limit, nullptr) <= 0) {
        return {};
    }
    return {.by_input = descriptors[0].revents != 0, .by_output = descriptors[1].revents != 0};
}

}  // namespace tamis::daemon
