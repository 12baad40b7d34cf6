// Convolutions and pooling of ours, written once in portable vector code and compiled for several
// instruction sets. An image's bits depend on the image alone: sums run over channels and taps in
// one order, however many images a call has and wherever they are in it. They take no memory.
#pragma once

#include <span>

#include "engine/convolution_plan.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

struct ConvolutionBuffers {
    const float* source = nullptr;
    float* destination = nullptr;
    float* scratch = nullptr;        // plan.scratch_floats(); what it holds does not matter
    const float* weights = nullptr;  // direct_weights, winograd_weights
    const float* taps = nullptr;     // winograd_taps, where plan.transforms_taps(1)
    const float* tail = nullptr;
    // Read after this call; a call that waits for memory little may fetch some of it into the
    // cache.
    std::span<const float> upcoming;
};

using ConvolutionKernel = void (*)(const ConvolutionPlan& plan, const ConvolutionBuffers& at,
                                   std::size_t images);
using ImagePoolKernel = void (*)(const ImagePoolPlan& plan, const float* source, float* destination,
                                 std::size_t images);

// For the instruction set that vector_unit() names.
[[nodiscard]] ConvolutionKernel winograd_kernel();
[[nodiscard]] ConvolutionKernel direct_convolution_kernel();
[[nodiscard]] ImagePoolKernel image_pool_kernel();

// Cold path: winograd_taps transformed. By slab of filters, plane, group of filter blocks, channel:
// the group's filters.
[[nodiscard]] FloatBuffer winograd_weights(const ConvolutionPlan& plan,
                                           std::span<const float> taps);

}  // namespace tamis::engine
