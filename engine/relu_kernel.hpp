// The way back through a ReLU in vectors (Highway): on a small layer oneDNN's costs more to call
// than this costs to run. Exact, so the same bits as oneDNN's. Any thread.
#pragma once

#include <cstddef>

namespace tamis::engine {

// before[i] = after[i] where result[i] > 0, else negative_slope * after[i].
void relu_backward(const float* result, const float* after, float negative_slope, std::size_t count,
                   float* before) noexcept;

}  // namespace tamis::engine
