// Products of small matrices in vectors (Highway): what training a dense layer of up to some
// hundred units asks for. oneDNN's cost a third more there: it packs both sides first. Any thread.
#pragma once

#include <cstddef>

namespace tamis::engine {

// out[m, n] = sum over k of a[m, k] b[k, n], one element's terms in the order of k, then the bias,
// then the ReLU or the way back through one. Lengths and strides in floats; nothing overlaps `out`.
struct DenseProduct {
    std::size_t rows = 0;     // m
    std::size_t inner = 0;    // k
    std::size_t columns = 0;  // n
    const float* a = nullptr;
    std::size_t a_row_stride = 0;
    std::size_t a_inner_stride = 0;
    const float* b = nullptr;     // row-major
    float* out = nullptr;         // row-major
    const float* bias = nullptr;  // by column; nullptr: none
    bool has_relu = false;
    const float* relu_result = nullptr;  // [m, n], row-major: the sums are gradients after that
    float negative_slope = 0.F;          // of either ReLU
};
void multiply(const DenseProduct& product) noexcept;

// out[n] = sum over the rows of values[rows, n].
void sum_rows(const float* values, std::size_t rows, std::size_t columns, float* out) noexcept;

// to[columns, rows] = from[rows, columns]; they do not overlap.
void transpose(const float* from, std::size_t rows, std::size_t columns, float* to) noexcept;

}  // namespace tamis::engine
