// Nodes that read constants only, computed at load: shape arithmetic of exporters, transposed and
// dequantised weights. Cold path; what is made is bounded.
#pragma once

#include <optional>

#include "engine/onnx_content.hpp"

namespace tamis::engine {

// The node's one result. Nothing: not an operator that is folded. fill: of ConstantOfShape. Error:
// sizes that do not fit, arithmetic on the size of the batch, results that are too large.
[[nodiscard]] std::optional<tl::expected<OnnxConstant, std::string>> fold_constants(
    const NodeArguments& arguments, const OnnxConstant* fill);

// Of a value with these dimensions (kBatchSize for an open batch).
[[nodiscard]] tl::expected<OnnxConstant, std::string> folded_shape(
    const Node& node, const std::vector<std::int64_t>& dimensions);

}  // namespace tamis::engine
