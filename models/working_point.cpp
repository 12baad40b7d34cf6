#include "models/working_point.hpp"

#include <gsl/assert>

namespace tamis::models {

tl::expected<void, std::string> check_flat_thresholds(const Manifest& manifest) {
    for (const WorkingPoint& point : manifest.working_points) {
        if (point.bins.size() != 1 || point.bins.front().slope != 0) {
            return tl::make_unexpected(
                "working point '" + point.name + "' has " + std::to_string(point.bins.size()) +
                " bins or a slope (a model of kind '" + manifest.kind +
                "' has one score an event); right is one bin with an offset");
        }
    }
    return {};
}

Cut flat_cut(const WorkingPoint& point, float score, ScoreStatus status) noexcept {
    Expects(point.bins.size() == 1);
    const auto threshold = static_cast<float>(point.bins.front().offset);
    return {.passed = status == ScoreStatus::scored && score > threshold,
            .score = score,
            .threshold = threshold};
}

}  // namespace tamis::models
