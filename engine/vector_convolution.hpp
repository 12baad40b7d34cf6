// Convolutions and poolings on kernels of ours, for inference. Internal to the engine (sees
// oneDNN); cold path.
#pragma once

#include "engine/emission.hpp"

namespace tamis::engine {

// Appends the layer as a step of ours where own kernels are wanted, do it, and are the better
// choice; with it a normalisation and a pooling that directly follow. False: it is oneDNN's.
[[nodiscard]] bool emit_vector_convolution(Emission& to, const PlanLayer& layer,
                                           const ConvolutionLayer& convolution);

// A pooling behind a kernel of ours that was not part of it. False: it is oneDNN's.
[[nodiscard]] bool emit_vector_pool(Emission& to, const PlanLayer& layer, const PoolLayer& pool);

}  // namespace tamis::engine
