#include "models/model.hpp"

#include <algorithm>
#include <cmath>

namespace tamis::models {

std::string_view to_string(ScoreStatus status) noexcept {
    switch (status) {
        case ScoreStatus::scored:
            return "scored";
        case ScoreStatus::not_applicable:
            return "not_applicable";
        case ScoreStatus::missing_input:
            return "missing_input";
        case ScoreStatus::malformed_input:
            return "malformed_input";
        case ScoreStatus::non_finite_input:
            return "non_finite_input";
    }
    return "unknown";
}

ScoreStatus status_of(streams::PayloadFault fault) noexcept {
    switch (fault) {
        case streams::PayloadFault::absent:
            return ScoreStatus::missing_input;
        case streams::PayloadFault::not_finite:
            return ScoreStatus::non_finite_input;
        case streams::PayloadFault::malformed:
        case streams::PayloadFault::uneven_arrays:
        case streams::PayloadFault::too_many:
            return ScoreStatus::malformed_input;
    }
    return ScoreStatus::malformed_input;
}

bool Model::takes(double value) const noexcept { return std::isfinite(value); }

std::string_view Model::input_form() const noexcept { return "a finite number"; }

std::optional<std::size_t> Model::find_working_point(std::string_view name) const noexcept {
    const auto& points = manifest().working_points;
    const auto found =
        std::find_if(points.begin(), points.end(),
                     [name](const WorkingPoint& point) { return point.name == name; });
    if (found == points.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - points.begin());
}

}  // namespace tamis::models
