// What a manifest of kind "seed_filter" says, checked once. Parameters of the manifest, all
// optional:
//   layout         0 two_channel (default), 1 layer_map (doublet_features.hpp)
//   score_index    which of the network's outputs is the probability of a true doublet (default:
//                  the last; networks with two outputs answer {fake, true})
//   primary_point  position of the working point whose doublets are listed as kept (default 0)
//   prefilter_threshold   a second network of the 67 features stands in front: the first one scores
//                  only doublets to which it gives more than that, from 0 to below 1
// Plain data.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/manifest.hpp"
#include "models/seed_filter/doublet_features.hpp"

namespace tamis::models {

struct SeedFilterSettings {
    DoubletLayout layout = DoubletLayout::two_channel;
    std::optional<std::size_t> score_index;
    std::size_t primary_point = 0;
    std::optional<double> prefilter_threshold = std::nullopt;
};

// Error: the first thing in the manifest that is no seed filter's, with what would be right.
[[nodiscard]] tl::expected<SeedFilterSettings, std::string> read_seed_filter_settings(
    const Manifest& manifest);

// The parameters that say the same.
[[nodiscard]] std::vector<Parameter> seed_filter_parameters(const SeedFilterSettings& settings);

}  // namespace tamis::models
