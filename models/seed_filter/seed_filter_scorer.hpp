// Scores the doublets of events with a seed filter's network; one per thread, no allocation after
// its construction. Part of kind "seed_filter": see seed_filter_model.hpp for what answers mean.
#pragma once

#include <cstddef>
#include <memory>

#include "models/manifest.hpp"
#include "models/model.hpp"
#include "models/seed_filter/doublet_runner.hpp"

namespace tamis::models {

// `manifest` and `network` outlive the scorer.
[[nodiscard]] std::unique_ptr<Scorer> make_seed_filter_scorer(const Manifest& manifest,
                                                              const DoubletNetwork& network,
                                                              std::size_t primary_point,
                                                              std::size_t max_events);

}  // namespace tamis::models
