// Brings inputs and outputs of the network in training to the order of one, and folds both back
// into its first and last layers afterwards: the finished network takes raw features and gives raw
// parameters, while the likelihoods see raw features all the time. (The published training fed raw
// values throughout and needed some 150 epochs.) Cold path; any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/tensor.hpp"
#include "models/feature_table.hpp"

namespace tamis::models::vae {

// One offset and scale per column; scales are above 0.
struct ColumnScaling {
    std::vector<double> offset, scale;
};

// Median and interquartile range of each feature; where the range is 0 (most events have the same
// value) the standard deviation, and 1 for a constant. The table has rows.
[[nodiscard]] ColumnScaling robust_scaling(const FeatureTable& table);

// (x - offset) / scale of every value, row by row.
[[nodiscard]] std::vector<float> scaled(const FeatureTable& table, const ColumnScaling& scaling);

// raw head output = offset + scale * network output: with a network output of 0 every event gets
// the parameters that fit the sample's one-dimensional distributions.
struct HeadScaling {
    ColumnScaling par1, par2_raw, par3_raw;
};
[[nodiscard]] HeadScaling marginal_scaling(const FeatureTable& table);

// Kernel [in, units] and bias of the layer that saw (x - offset) / scale, rewritten to see x.
void fold_into_inputs(const ColumnScaling& scaling, engine::Tensor& kernel, engine::Tensor& bias);
// Kernel [in, units] and bias of the layer whose output y meant offset + scale * y, rewritten to
// give just that.
void fold_into_outputs(const ColumnScaling& scaling, engine::Tensor& kernel, engine::Tensor& bias);

}  // namespace tamis::models::vae
