#include "daemon/keep_awake.hpp"

#include <pthread.h>
#include <sched.h>

#include "daemon/stage_thread.hpp"

namespace tamis::daemon {

KeepAwake::KeepAwake() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return;
    }
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed)) {
            spinners_.emplace_back([this, cpu] { spin(cpu); });
        }
    }
}

KeepAwake::~KeepAwake() {
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& spinner : spinners_) {
        spinner.join();
    }
}

void KeepAwake::spin(unsigned cpu) noexcept {
    name_this_thread("tamis-awake");
    const sched_param priority{.sched_priority = 0};
    // At any other priority a spinner would take the core from the event path.
    if (pthread_setschedparam(pthread_self(), SCHED_IDLE, &priority) != 0 ||
        !pin_this_thread(cpu)) {
        return;
    }
    spinning_.fetch_add(1, std::memory_order_release);
    while (!stop_.load(std::memory_order_relaxed)) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

}  // namespace tamis::daemon
