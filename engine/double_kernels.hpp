// The vector code of dense layers whose values and sums are doubles, compiled once per instruction
// set and chosen at run time (Highway). Weights stay floats, which halves what is read, and are
// widened on the way. A row's results depend on that row alone: every sum is bias, then the inputs
// in their order, whatever the number of rows. Any thread; no allocation.
#pragma once

#include <cstddef>

namespace tamis::engine {

// Values of a row and units of a layer are padded with zeros to a multiple of this: whole vectors
// of every instruction set, and one cache line of doubles.
inline constexpr std::size_t kDoublePadding = 8;

[[nodiscard]] constexpr std::size_t padded_doubles(std::size_t count) {
    return (count + kDoublePadding - 1) / kDoublePadding * kDoublePadding;
}

struct DoubleLayerCall {
    enum class Activation { none, relu } activation = Activation::none;
    // The bias, then a row per input; rows are `units` long. 64-byte aligned.
    const float* weights = nullptr;
    std::size_t units = 0;           // padded
    const double* inputs = nullptr;  // of the first row
    std::size_t input_count = 0;
    double* results = nullptr;  // of the first row, 64-byte aligned
    std::size_t stride = 0;     // from row to row of inputs and of results; padded
    std::size_t rows = 0;
};

struct DoubleKernels {
    const char* instruction_set = "";
    void (*dense)(const DoubleLayerCall& call) noexcept = nullptr;
    // count: padded; values: 64-byte aligned.
    bool (*all_finite)(const double* values, std::size_t count) noexcept = nullptr;
};

// Of the best instruction set of this processor.
[[nodiscard]] const DoubleKernels& double_kernels();

}  // namespace tamis::engine
