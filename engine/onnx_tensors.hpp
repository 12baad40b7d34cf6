// Tensors of the file format into constants. Sees protobuf. Cold path.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "engine/onnx_content.hpp"
#include "engine/onnx_messages.hpp"

namespace tamis::engine {

inline constexpr int kMaxDimensions = static_cast<int>(kMaxRank);

// Nothing: a type the engine does not have.
[[nodiscard]] std::optional<ElementType> element_type(int of_the_format);

// Error: data outside the file, counts that do not match the shape, types that are not supported.
// Nothing larger than the file is made.
[[nodiscard]] tl::expected<OnnxConstant, std::string> read_tensor(const onnx::TensorProto& tensor);

// The file's number for a type.
[[nodiscard]] int format_type(ElementType type);

}  // namespace tamis::engine
