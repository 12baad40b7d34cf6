// Which executor runs a convolution: a table of measured conditions per instruction set. Depends on
// the layer's shape and the instruction set alone, never on a clock or the batch: scores must be
// the same bits on every machine with that instruction set.
#pragma once

#include "engine/convolution_plan.hpp"

namespace tamis::engine {

enum class ConvolutionExecutor { onednn, winograd, direct };

// Of a convolution with stride 1, dilation 1 and one group.
[[nodiscard]] ConvolutionExecutor choose_convolution(const ConvolutionGeometry& geometry,
                                                     const VectorUnit& unit);

}  // namespace tamis::engine
