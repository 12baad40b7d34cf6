// Reads the JSON form of fixed-point layer tables: keys "model", "input_scaling" with "scales" or
// "input_format", "network", "weights", "score_output", and "working_points" {NAME: smallest score
// that passes} where there are any. Other keys are not looked at, nor weights that no step names.
// Cold path; any thread.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "models/fixed_point/layer_table.hpp"

namespace tamis::models {

// Errors name the place in the text, what is wrong and what would be right: no JSON, a key that is
// missing or of another form, an array of another length, a type or operation that is not known, a
// layout, padding or dilation that is not the one emulated. Whether the steps fit together is
// FixedPointNetwork's question.
[[nodiscard]] tl::expected<LayerTable, std::string> read_layer_table(std::string_view json_text);

}  // namespace tamis::models
