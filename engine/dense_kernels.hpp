// The vector code of dense layers, compiled once per instruction set and chosen at run time
// (Highway). A row's results depend on that row alone: every output is bias + sum over inputs in an
// order fixed by the layer's size, whatever the number of rows. Any thread; no allocation.
//
// Many rows go through the layers in blocks of block_rows as columns: the value of row r and column
// c is at c * block_rows + r, 64-byte aligned.
//
// Packed weights of a layer, in vectors of `lanes` floats: the bias, padded with zeros to whole
// vectors; then panels of at most `panel_vectors` vectors of units, each panel one row per input.
// The last units, where they fill half a vector or less, have a narrower panel of their own:
// weights are read once per row, and what is not read keeps others in the first-level cache. A
// layer of few units and many inputs has one padded row of weights per unit instead.
#pragma once

#include <cstddef>
#include <span>

namespace tamis::engine {

enum class DenseFunction { none, relu, tanh, sigmoid, softmax };

// Some columns of rows that lie `stride` floats apart.
struct DenseSource {
    const float* rows;
    std::size_t stride;
    std::size_t width;
};

// Where rows of results go. padded: whole vectors may be written, beyond the last unit.
struct DenseResult {
    float* rows = nullptr;
    std::size_t stride = 0;
    bool padded = false;
};

struct DenseCall {
    std::span<const DenseSource> sources;  // one after another they are a layer's inputs
    std::size_t inputs = 0;                // of all sources together
    std::size_t units = 0;
    const float* weights = nullptr;  // packed, 64-byte aligned
    DenseFunction function = DenseFunction::none;
    float negative_slope = 0.F;  // of relu
    DenseResult result;
    std::size_t rows = 0;
};

inline constexpr std::size_t kDenseDotUnits = 8;

struct DenseKernels {
    const char* instruction_set = "";
    std::size_t lanes = 1;
    std::size_t panel_vectors = 1;
    void (*dense)(const DenseCall& call) noexcept = nullptr;
    // The function on `units` columns of each row, in place.
    void (*apply)(DenseFunction function, float negative_slope, const DenseResult& result,
                  std::size_t units, std::size_t rows) noexcept = nullptr;

    // Of a block; 0: there are none, and neither are the functions below.
    std::size_t block_rows = 0;
    // False: one of the values is NaN or infinite.
    bool (*to_columns)(const DenseSource& rows, float* columns) noexcept = nullptr;
    // Sources and result are columns of one block or more, `stride` floats from block to block;
    // rows: of all blocks.
    void (*dense_columns)(const DenseCall& call) noexcept = nullptr;
    void (*apply_columns)(DenseFunction function, float negative_slope, float* columns,
                          std::size_t units) noexcept = nullptr;
    void (*to_rows)(const float* columns, const DenseResult& rows,
                    std::size_t width) noexcept = nullptr;

    // Floats of a row of results in scratch: no kernel writes more.
    [[nodiscard]] std::size_t padded(std::size_t units) const {
        return (units + lanes - 1) / lanes * lanes;
    }
    // Whether a layer is computed as dot products.
    [[nodiscard]] constexpr bool uses_dot(std::size_t inputs, std::size_t units) const {
        return lanes >= kDenseDotUnits && units <= kDenseDotUnits && inputs >= 2 * lanes;
    }
    // Width of the narrow last panel; 0: none.
    [[nodiscard]] std::size_t tail_lanes(std::size_t units) const {
        const std::size_t rest = units % lanes;
        if (rest == 0) return 0;
        if (rest <= 4 && lanes > 4) return 4;
        return rest <= 8 && lanes > 8 ? 8 : 0;
    }
    // Units in whole vectors.
    [[nodiscard]] std::size_t whole_units(std::size_t units) const {
        return tail_lanes(units) == 0 ? padded(units) : units / lanes * lanes;
    }
    [[nodiscard]] std::size_t packed_floats(std::size_t inputs, std::size_t units) const {
        if (uses_dot(inputs, units)) return padded(units) + units * padded(inputs);
        return padded(units) + inputs * (whole_units(units) + tail_lanes(units));
    }
    // Where the weight of an input and a unit is in the packed weights.
    [[nodiscard]] std::size_t weight_index(std::size_t inputs, std::size_t units, std::size_t input,
                                           std::size_t unit) const {
        if (uses_dot(inputs, units)) return padded(units) + unit * padded(inputs) + input;
        const std::size_t whole = whole_units(units);
        if (unit >= whole) {
            return padded(units) + inputs * whole + input * tail_lanes(units) + unit - whole;
        }
        const std::size_t panel = panel_vectors * lanes;
        const std::size_t start = unit / panel * panel;
        const std::size_t width = panel < whole - start ? panel : whole - start;
        return padded(units) + start * inputs + input * width + unit - start;
    }
};

// Of the best instruction set of this processor.
[[nodiscard]] const DenseKernels& dense_kernels();

}  // namespace tamis::engine
