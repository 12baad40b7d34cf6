// Thresholds of a manifest applied to a score. Any thread, no allocation.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "models/manifest.hpp"
#include "models/model.hpp"

namespace tamis::models {

// For kinds of model that answer with one score an event: each working point must be one bin
// without slope. The error names the point.
[[nodiscard]] tl::expected<void, std::string> check_flat_thresholds(const Manifest& manifest);

// The verdict of such a point; what was not scored never passes.
[[nodiscard]] Cut flat_cut(const WorkingPoint& point, float score, ScoreStatus status) noexcept;

}  // namespace tamis::models
