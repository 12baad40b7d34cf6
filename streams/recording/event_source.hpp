// What the readers of the layouts have in common. Cold path.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

#include "streams/recording/imported_event.hpp"

namespace tamis::streams {

// Gives the events of one file in its order.
class EventSource {
 public:
    virtual ~EventSource() = default;
    // Rows that give no event are reported and passed over. Absent at the end.
    virtual std::optional<ImportedEvent> next(
        const std::function<void(const RowProblem&)>& report) = 0;
};

// Finite and within the range of the wire's floats.
[[nodiscard]] inline bool is_storable(double value) {
    return std::isfinite(value) && std::abs(value) <= std::numeric_limits<float>::max();
}

inline constexpr double kGevPerMev = 1e-3;

}  // namespace tamis::streams
