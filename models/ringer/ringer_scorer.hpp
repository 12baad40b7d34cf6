// Scores the clusters of events with a ringer's networks; one per thread, no allocation after its
// construction. Part of kind "ringer": see ringer_model.hpp for what the answers mean.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "models/manifest.hpp"
#include "models/model.hpp"
#include "models/ringer/ringer_bank.hpp"

namespace tamis::models {

// The threshold of the bin that holds the cluster, if any: slope * mu + offset, mu clipped.
[[nodiscard]] std::optional<double> find_threshold(const WorkingPoint& point, double et_gev,
                                                   double eta, double average_mu) noexcept;

// False for a discriminant that is NaN or of no bin.
[[nodiscard]] bool passes(float discriminant, double threshold, bool inclusive) noexcept;

// `manifest` and `bank` outlive the scorer.
[[nodiscard]] std::unique_ptr<Scorer> make_ringer_scorer(const Manifest& manifest,
                                                         const RingerBank& bank,
                                                         std::size_t max_events);

}  // namespace tamis::models
