// The networks of the recipe: the light convolutional one on two windows, with far fewer products
// than the published layer map, and the dense pre-filter in front of it. Cold path; any thread.
#pragma once

#include <cstdint>

#include "engine/graph.hpp"

namespace tamis::models {

struct SeedFilterShape {
    std::int64_t first_filters = 8;
    std::int64_t second_filters = 16;
    std::int64_t first_hidden = 64;
    std::int64_t second_hidden = 32;
};

struct PrefilterShape {
    std::int64_t first_hidden = 32;
    std::int64_t second_hidden = 16;
};

enum class SeedFilterOutput : std::uint8_t { logit, probability };

// windows [2, 16, 16] -> conv 3x3 relu, pool 2, conv 3x3 relu, pool 2, flatten; joined with 75
// numbers after a batch normalisation of theirs; dense relu, dense relu, dense 1: output "logit",
// or after a sigmoid "score". The 75: widths of both clusters along both axes, computed in the
// network from the windows; the 67 features; four slopes, computed in the network from them: of the
// line through both hits against the beam, against the normal of each module, its turn in phi per
// cm. Windows are not normalised again (the published network does): most of their pixels rarely
// fire, so that the statistics of a batch say little about them. First values of weights are a
// function of the seed.
[[nodiscard]] engine::Graph make_seed_filter_network(const SeedFilterShape& shape,
                                                     SeedFilterOutput output, std::uint64_t seed);

// The 67 features and the same slopes, normalised; dense relu, dense relu, dense 1.
[[nodiscard]] engine::Graph make_prefilter_network(const PrefilterShape& shape,
                                                   SeedFilterOutput output, std::uint64_t seed);

}  // namespace tamis::models
