// Nodes as ONNX files of several opsets have them, into the normal forms of graph.hpp. Cold path.
//
// A file is read batch first. One that would mix the rows of a batch, but has no open dimension, is
// read as a whole: each of its tensors becomes one row and a batch of such rows is put in front.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "engine/onnx_content.hpp"

namespace tamis::engine {

inline constexpr std::int64_t kOldestOpset = 6;
inline constexpr std::int64_t kNewestOpset = 17;

// Error: an operator, attribute or form that is not supported, naming node, operator and opset.
[[nodiscard]] tl::expected<Graph, std::string> in_normal_form(OnnxContent content);

// Whether nodes of this operator are read at all, if only where they are constant.
[[nodiscard]] bool is_readable_operator(std::string_view op);

}  // namespace tamis::engine
