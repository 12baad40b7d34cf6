// Keeps every core from halting: one spinner a core in the idle scheduling class, which runs only
// when nothing else wants the core. Waking a halted virtual core is the largest part of a small
// event's latency; the price is a core that never rests. Off by default.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace tamis::daemon {

class KeepAwake {
 public:
    KeepAwake();   // starts one spinner for each core this process may use
    ~KeepAwake();  // stops and joins
    KeepAwake(const KeepAwake&) = delete;
    KeepAwake& operator=(const KeepAwake&) = delete;

    // Spinners that the system let into the idle class; the others have ended at once.
    [[nodiscard]] std::size_t spinning() const noexcept {
        return spinning_.load(std::memory_order_acquire);
    }

 private:
    void spin(unsigned cpu) noexcept;

    std::atomic<bool> stop_ = false;
    std::atomic<std::size_t> spinning_ = 0;
    std::vector<std::thread> spinners_;
};

}  // namespace tamis::daemon
