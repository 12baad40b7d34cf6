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

    // One empty turn. True: the caller must arm the bell of the stage, poll it once more, and if
    // that found nothing call sleep().
    [[nodiscard]] bool wants_sleep() noexcept;
    void reset() noexcept { empty_turns_ = 0; }

    static void sleep(const WaitPoint& point) noexcept;

 private:
    config::IdleStrategy strategy_;
    std::uint32_t empty_turns_ = 0;
};

}  // namespace tamis::daemon
