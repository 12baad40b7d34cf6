// Weights of convolutions in the order our kernels read them: packed once where a network is
// compiled.
#pragma once

#include <span>

#include "engine/convolution_plan.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

// kernel: [filters, channels, y, x], row-major. By block of filters, channel, y, x: the block's
// filters. What winograd_weights transforms, and what calls of few tiles read instead of the
// transformed ones, which are four times as many.
[[nodiscard]] FloatBuffer winograd_taps(const ConvolutionPlan& plan, std::span<const float> kernel);
// By group of filter blocks, channel, y, x: the group's filters.
[[nodiscard]] FloatBuffer direct_weights(const ConvolutionPlan& plan,
                                         std::span<const float> kernel);

// Per channel; empty: none.
struct TailValues {
    std::span<const float> bias;
    std::span<const double> scale, shift;
};
// Bias, scale and shift one after another, each as long as the filter blocks; beyond the last
// filter 0, 1 and 0.
[[nodiscard]] FloatBuffer tail_values(const ConvolutionPlan& plan, const TailValues& values);

}  // namespace tamis::engine
