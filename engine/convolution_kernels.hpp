// Convolutions and pooling of ours, written once in portable vector code and compiled for several
// instruction sets. An image's bits depend on the image alone: sums run over channels and taps in
// one order, however many images a call has and wherever they are in it. Take no memory.
#pragma once

#include "engine/convolution_plan.hpp"

namespace tamis::engine {

struct ConvolutionBuffers {
    const float* source = nullptr;
    float* destination = nullptr;
    float* scratch = nullptr;        // plan.scratch_floats(); what it holds does not matter
    const float* weights = nullptr;  // as convolution_weights packs them
    const float* taps = nullptr;     // Winograd, where plan.transforms_taps()
    const float* tail = nullptr;
};

using ConvolutionKernel = void (*)(const ConvolutionPlan& plan, const ConvolutionBuffers& at,
                                   std::size_t images);
using ImagePoolKernel = void (*)(const ImagePoolPlan& plan, const float* source, float* destination,
                                 std::size_t images);

// For the instruction set that vector_unit() names.
[[nodiscard]] ConvolutionKernel winograd_kernel();
[[nodiscard]] ConvolutionKernel direct_convolution_kernel();
[[nodiscard]] ImagePoolKernel image_pool_kernel();

}  // namespace tamis::engine
