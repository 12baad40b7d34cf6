// What a thread does when its stage found nothing. `spin` keeps the core (shortest reaction, needs
// a core per thread), `yield` lets others run, `park` sleeps until there is input or work from
// another stage: a wake-up of some 10 us, on a halted virtual core some 40 us, never milliseconds.
#pragma once

#include <cstdint>

#include "config/deployment.hpp"
#include "daemon/stage.hpp"

namespace tamis::daemon {

class Idler {
 public:
    explicit Idler(config::IdleStrategy strategy) noexcept : strategy_(strategy) {}

    // One empty turn that ended at now_ns. True: the caller must arm the bell of the stage, if it
    // has one, poll it once more, and if that found nothing call sleep().
    [[nodiscard]] bool wants_sleep(std::uint64_t now_ns) noexcept;
    void reset() noexcept { is_idle_ = false; }

    static Wake sleep(const WaitPoint& point) noexcept;

 private:
    config::IdleStrategy strategy_;
    bool is_idle_ = false;
    std::uint64_t idle_since_ns_ = 0;
};

}  // namespace tamis::daemon
