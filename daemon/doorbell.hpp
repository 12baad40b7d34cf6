// Wakes a stage that sleeps. A sleeper arms it, looks for work once more, then waits; who leaves
// work rings. Ringing costs one atomic exchange while nobody sleeps and one write to an eventfd
// when somebody does. One sleeper, any number of ringers.
#pragma once

#include <atomic>

namespace tamis::daemon {

class Doorbell {
 public:
    Doorbell();
    ~Doorbell();
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;

    void arm() noexcept { armed_.exchange(true, std::memory_order_acq_rel); }
    // After the sleep, rung or not.
    void disarm() noexcept;
    void ring() noexcept {
        if (armed_.exchange(false, std::memory_order_acq_rel)) {
            wake();
        }
    }
    // Readable when it was rung while armed; -1 when the system gave no descriptor: sleeps then end
    // by their limit.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
    void wake() noexcept;

    alignas(64) std::atomic<bool> armed_ = false;
    int descriptor_;
};

}  // namespace tamis::daemon
