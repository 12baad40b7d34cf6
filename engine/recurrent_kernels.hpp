// What a recurrent cell spends its time in, with the vectors of the machine (Highway). The result
// of a row depends on the row alone: every sum is taken in the order of k, whatever else is
// computed beside it. Stateless; any thread.
#pragma once

#include <cstddef>

namespace tamis::engine {

// z[r][j] += sum over k of x[r][k] * w[k][j].
struct RowProducts {
    const float* x = nullptr;
    std::size_t x_row = 0;   // floats between two rows
    std::size_t x_step = 1;  // floats between two k
    const float* w = nullptr;
    std::size_t w_row = 0;  // floats between two k
    float* z = nullptr;
    std::size_t z_row = 0;
    std::size_t rows = 0;
    std::size_t depth = 0;  // k
    std::size_t width = 0;  // j
};
void add_products(const RowProducts& task) noexcept;

// In place. NaN stays NaN.
void apply_sigmoid(float* values, std::size_t count) noexcept;
void apply_tanh(float* values, std::size_t count) noexcept;

}  // namespace tamis::engine
