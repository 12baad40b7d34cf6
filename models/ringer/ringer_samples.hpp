// Calorimeter clusters with rings and truth for training, from the synthetic source: rings are
// summed from the generator's cells, as a node would, and shower shapes found in them. Cold path;
// any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/ringer/ring_sums.hpp"
#include "models/ringer/shower_shapes.hpp"

namespace tamis::models {

struct RingerSample {
    float et = 0;  // GeV
    float eta = 0;
    float average_mu = 0;
    bool is_electron = false;
    std::array<float, kRingCount> rings{};  // GeV, not normalised
    std::optional<ShowerShapes> shapes;     // what the cut-based selection looks at, where known
};

// Clusters of `events` synthetic events from number 1 on, half of them W, Z and top pairs (half of
// whose clusters are electrons), half multijet. The same arguments give the same samples.
[[nodiscard]] std::vector<RingerSample> make_ringer_samples(std::uint64_t seed, std::uint32_t run,
                                                            std::uint64_t events);

}  // namespace tamis::models
