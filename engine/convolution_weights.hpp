// Weights of convolutions in the order our kernels read them: transformed and packed once where a
// network is compiled.
#pragma once

#include <span>

#include "engine/convolution_plan.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

// kernel: [filters, channels, y, x], row-major. By slab of filters, plane, group of filter blocks,
// channel: the group's filters.
[[nodiscard]] FloatBuffer winograd_weights(const ConvolutionPlan& plan,
                                           std::span<const float> kernel);
// The same weights as they are, for calls of few tiles, which would wait for the transformed ones:
// these are a quarter of the size. By block of filters, channel, y, x: the block's filters.
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
