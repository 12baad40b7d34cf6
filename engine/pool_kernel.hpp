// Maximum pooling of training in vectors over channels (Highway), for windows that tile the image
// and channels in blocks. oneDNN's writes where each maximum came from; here the way back finds it
// again in source and result, which is several times faster. The same bits as oneDNN's. Any thread.
#pragma once

#include <cstddef>

namespace tamis::engine {

// Images [planes][height][width][block]; a plane is one block of channels of one row.
struct PoolSizes {
    std::size_t planes = 0;
    std::size_t block = 0;  // floats side by side: 8 or 16
    std::size_t out_height = 0, out_width = 0;
    std::size_t window_height = 0, window_width = 0;
};

void max_pool_forward(const PoolSizes& sizes, const float* source, float* result) noexcept;
// The gradient goes to the first place of the window that holds the maximum; others become 0.
void max_pool_backward(const PoolSizes& sizes, const float* source, const float* result,
                       const float* after, float* before) noexcept;

}  // namespace tamis::engine
