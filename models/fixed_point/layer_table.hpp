// A fixed-point network as a published table describes it: steps in order, each with the types of
// what it reads, keeps and answers, constants as decimals. Plain data; layer_table_reader fills it
// from JSON, fixed_point_network makes it run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/fixed_point/fixed_point_type.hpp"

namespace tamis::models {

enum class LayerKind : std::uint8_t {
    dense,           // y[j] = result(accumulator(bias[j] + sum of x[i] * weights[i * outputs + j]))
    convolution,     // likewise over windows of an image of one channel, not flipped
    relu,            // result(x) for x > 0, else 0
    linear,          // result(x); a cast is one
    sum_of_squares,  // sum of product(x * x), as a balanced tree, accumulator after every addition
    difference,      // result(x - second)
    dot,             // result(accumulator(sum of x * second))
};

struct ImageWindow {
    std::size_t rows = 0, columns = 0;  // of the image
    std::size_t kernel_rows = 0, kernel_columns = 0;
    std::size_t stride_rows = 0, stride_columns = 0;
    std::size_t out_rows = 0, out_columns = 0;
};

struct LayerStep {
    LayerKind kind = LayerKind::linear;
    std::string place;          // in the table, for messages
    std::string input, second;  // names of earlier outputs; second where two are read
    std::string output;
    std::size_t inputs = 0;   // values read, of each input
    std::size_t outputs = 0;  // values answered; of a convolution [row][column][filter]
    ImageWindow window;       // of a convolution
    FixedPointType input_type, second_type;
    FixedPointType weight_type, bias_type;
    FixedPointType product_type;      // of sum_of_squares
    FixedPointType accumulator_type;  // of sums
    FixedPointType result_type;
    // Dense: [input][output]; convolution: [filter][kernel row][kernel column].
    std::vector<double> weights;
    std::vector<double> bias;
};

// How hardware integers enter the first layer:
//     u = unscaled(x), d = unscaled(u - offset), e = d shifted right (by a negative number: left)
//     in unscaled, input(e): floor of the shift first, the rounding of the input type second.
struct InputScaling {
    FixedPointType unscaled_type, offset_type, shift_type;
    std::vector<double> offsets, shifts;
};

struct LayerTable {
    std::string model;  // as the file calls it: "AXOL1TL v4"
    std::size_t inputs = 0;
    std::vector<std::size_t> input_shape;  // where the inputs are an image: rows, columns, channels
    FixedPointType input_type;
    std::optional<InputScaling> scaling;  // without: inputs enter as they are
    std::vector<LayerStep> steps;         // the last answers one value called "score"
    FixedPointType score_type;
    // Names with the smallest score that passes, where the file has them.
    std::vector<std::pair<std::string, double>> working_points;
};

// What the first step reads.
[[nodiscard]] inline std::string_view input_name(const LayerTable& table) {
    return table.scaling ? "scaled" : "inputs";
}

}  // namespace tamis::models
