// Which inputs a model's answer rests on: by how much the area under the ROC curve falls when one
// input is exchanged between rows (permutation importance, Breiman 2001). Cold path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/feature_table.hpp"
#include "models/model.hpp"

namespace tamis::daemon {

struct RankedInput {
    std::string name;  // an input, or what inputs numbered 0, 1, ... have in common
    std::size_t inputs = 1;
    double area_loss = 0;  // mean over the signals
};

// Most important first; the order of exchange follows from the seed. At most 4000 rows of a sample
// take part. Empty without signals.
[[nodiscard]] std::vector<RankedInput> rank_inputs(const models::Model& model,
                                                   std::span<const models::Sample> samples,
                                                   std::uint64_t seed);

}  // namespace tamis::daemon
