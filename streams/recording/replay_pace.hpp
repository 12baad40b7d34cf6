// When a recorded event is due in a replay: a pure function of its place and its recorded time, so
// that a replay is the same whatever the clock did. Plain data; any thread.
#pragma once

#include <cstdint>

namespace tamis::streams {

enum class Pace : std::uint8_t {
    as_fast_as_possible,
    original,    // the recorded distances in time, divided by `speed`
    fixed_rate,  // `events_per_second`, evenly spaced
};

struct PaceOptions {
    Pace pace = Pace::as_fast_as_possible;
    double speed = 1;                 // of Pace::original, above 0
    double events_per_second = 1000;  // of Pace::fixed_rate, above 0
};

class ReplayPace {
 public:
    explicit ReplayPace(const PaceOptions& options);

    // start_ns: steady clock, when the first event is due. first_recorded_ns: recorded time of the
    // first event.
    void start(std::uint64_t start_ns, std::uint64_t first_recorded_ns) noexcept;
    // Steady clock. event_index: 0 for the first event. An event recorded before the first one is
    // due at the start. Saturates at the end of the clock.
    [[nodiscard]] std::uint64_t due_ns(std::uint64_t event_index,
                                       std::uint64_t recorded_ns) const noexcept;
    [[nodiscard]] const PaceOptions& options() const noexcept { return options_; }

 private:
    PaceOptions options_;
    std::uint64_t start_ns_ = 0;
    std::uint64_t first_recorded_ns_ = 0;
};

}  // namespace tamis::streams
