// The light network of the recipe: two windows as channels, far fewer products than the published
// layer map. Cold path; any thread.
#pragma once

#include <cstdint>

#include "engine/graph.hpp"

namespace tamis::models {

struct SeedFilterShape {
    std::int64_t first_filters = 16;
    std::int64_t second_filters = 32;
    std::int64_t first_hidden = 64;
    std::int64_t second_hidden = 32;
};

// windows [2, 16, 16] -> conv 3x3 relu, pool 2, conv 3x3 relu, pool 2, flatten; joined with the 67
// features after a batch normalisation of theirs; dense relu, dense relu, dense 1: output "logit",
// or after a sigmoid "score". The windows are not normalised again (the published network does):
// most of their pixels rarely fire, so that the statistics of a batch say little about them. First
// values of weights are a function of the seed.
enum class SeedFilterOutput : std::uint8_t { logit, probability };
[[nodiscard]] engine::Graph make_seed_filter_network(const SeedFilterShape& shape,
                                                     SeedFilterOutput output, std::uint64_t seed);

}  // namespace tamis::models
