// Which inputs a model's answer rests on: by how much the area under the ROC curve falls when one
// input is exchanged between rows (permutation importance, Breiman 2001), and in which order inputs
// can be taken away. Cold path.
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

// One step of the removal: the input that is missed least of those left, and what remains.
struct RemovedInput {
    std::string name;
    std::size_t inputs = 1;
    double area_left = 0;  // mean over the signals, with this one and all before it removed
};

// Iterative removal without new training: a removed input has the background's median in every row.
// Least important first; the last line is the most important one. At most 1000 rows of a sample
// take part. Empty without signals.
[[nodiscard]] std::vector<RemovedInput> remove_inputs(const models::Model& model,
                                                      std::span<const models::Sample> samples);

}  // namespace tamis::daemon
