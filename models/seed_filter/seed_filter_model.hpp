// Kind "seed_filter": a convolutional network judges pairs of pixel hits (Di Florio, Pantaleo,
// Carta, J. Phys. Conf. Ser. 1085 (2018) 042040). All doublets of an event are scored in batches.
// What the manifest says: seed_filter_settings.hpp.
//
// Score of an event: the largest score of its doublets, so a working point passes where it keeps at
// least one. With a pre-filter, a doublet that it rejects scores between -1 and 0. Contributions:
// the score of each doublet. Kept: the doublets above the threshold of primary_point; none without
// working points. An event without a doublet is not applicable. Table: inner_adc0 ... 255,
// outer_adc0 ... 255 (charges 0..65535, row by row), inner_layer, outer_layer, f0 ... f66 of one
// doublet to score, and pass_<name> for each working point. A row with a number that is not finite,
// or with charges or layers that are no whole numbers in range, has the score NaN and passes
// nowhere.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/manifest.hpp"
#include "models/model.hpp"

namespace tamis::models {

// The graphs of manifest.networks: the filter, and the pre-filter where there is one. The error
// says what does not fit.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_seed_filter(
    const Manifest& manifest, std::vector<engine::Graph> networks);

}  // namespace tamis::models
