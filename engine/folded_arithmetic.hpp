// Arithmetic on constants at load: functions of one element, pairs, casts. Cold path.
#pragma once

#include "engine/onnx_content.hpp"

namespace tamis::engine {

// All inputs are constants. Errors: types or shapes that do not fit, overflow, division by zero, or
// arithmetic on the size of the batch.
[[nodiscard]] tl::expected<OnnxConstant, std::string> fold_function(const NodeArguments& at);
[[nodiscard]] tl::expected<OnnxConstant, std::string> fold_pair(const NodeArguments& at);
[[nodiscard]] tl::expected<OnnxConstant, std::string> fold_cast(const NodeArguments& at);
[[nodiscard]] tl::expected<OnnxConstant, std::string> fold_dequantise(const NodeArguments& at);

}  // namespace tamis::engine
