// Thresholds of a manifest applied to a score. Any thread, no allocation.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "models/event_inputs.hpp"
#include "models/manifest.hpp"
#include "models/model.hpp"

namespace tamis::models {

// For kinds of model that answer with one score an event: each working point must be one bin
// without slope. The error names the point.
[[nodiscard]] tl::expected<void, std::string> check_flat_thresholds(const Manifest& manifest);

// The verdict of such a point; what was not scored never passes.
[[nodiscard]] Cut flat_cut(const WorkingPoint& point, float score, ScoreStatus status) noexcept;

// The same for kinds whose thresholds may differ by pile-up: bins without slope that follow each
// other from 0 on.
[[nodiscard]] tl::expected<void, std::string> check_pileup_thresholds(const Manifest& manifest);
// Whether a point of the manifest asks for the pile-up of an event.
[[nodiscard]] bool has_pileup_thresholds(const Manifest& manifest) noexcept;
// The pile-up of an event (interactions per crossing, of its clusters), NaN where it has none.
[[nodiscard]] float pileup_of(EventInputs& event) noexcept;
// The bin of a pile-up among `edges`, which rise; an edge belongs to the bin below it.
[[nodiscard]] std::size_t pileup_bin(std::span<const double> edges, float pileup) noexcept;
// The threshold at a pile-up; none where the point has several and the pile-up is NaN.
[[nodiscard]] std::optional<double> threshold_at(const WorkingPoint& point, float pileup) noexcept;
// What was not scored never passes, nor what has no threshold.
[[nodiscard]] Cut pileup_cut(const WorkingPoint& point, float score, float pileup,
                             ScoreStatus status) noexcept;

}  // namespace tamis::models
