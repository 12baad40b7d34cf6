#include "streams/recording/replay_pace.hpp"

#include <cmath>
#include <gsl/assert>
#include <limits>

namespace tamis::streams {
namespace {

std::uint64_t later(std::uint64_t start_ns, double distance_ns) noexcept {
    constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
    const auto room_ns = static_cast<double>(kEnd - start_ns);
    return distance_ns < room_ns ? start_ns + static_cast<std::uint64_t>(distance_ns) : kEnd;
}

}  // namespace

ReplayPace::ReplayPace(const PaceOptions& options) : options_(options) {
    Expects(std::isfinite(options.speed) && options.speed > 0);
    Expects(std::isfinite(options.events_per_second) && options.events_per_second > 0);
}

void ReplayPace::start(std::uint64_t start_ns, std::uint64_t first_recorded_ns) noexcept {
    start_ns_ = start_ns;
    first_recorded_ns_ = first_recorded_ns;
}

std::uint64_t ReplayPace::due_ns(std::uint64_t event_index,
                                 std::uint64_t recorded_ns) const noexcept {
    switch (options_.pace) {
        case Pace::as_fast_as_possible:
            break;
        case Pace::original:
            if (recorded_ns > first_recorded_ns_) {
                return later(start_ns_, static_cast<double>(recorded_ns - first_recorded_ns_) /
                                            options_.speed);
            }
            break;
        case Pace::fixed_rate:
            return later(start_ns_,
                         static_cast<double>(event_index) * (1e9 / options_.events_per_second));
    }
    return start_ns_;
}

}  // namespace tamis::streams
