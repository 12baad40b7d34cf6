// LSTM and GRU between ONNX files and the normal form of recurrent_form.hpp. In most files the
// first dimension around a recurrence is the step, not the batch (layout 0); the engine's first
// dimension is always the batch. Cold path.
#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>

#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

// Before nodes are looked at one by one: values that a Transpose or a recurrence puts step first
// become batch first, and what moves their axes is rewritten to suit. Where the file fixes the
// batch to one, its one row may be one step of several sequences. Error: a node that reads such a
// value in a way that is not known.
[[nodiscard]] tl::expected<void, std::string> put_batch_first(OnnxContent& content);

// One LSTM or GRU node whose value is batch first and whose constants are weights of the graph. x:
// its row.
[[nodiscard]] tl::expected<void, std::string> recurrence_in_normal_form(NormalForm& form,
                                                                        Node& node, const Shape& x);

[[nodiscard]] std::span<const Form> recurrent_forms();

// The inputs of ONNX's operator, "" for absent ones; and its attributes (layout 1, opset 14).
inline constexpr int kRecurrentOpset = 14;
[[nodiscard]] Node recurrence_for_onnx(const Node& node);

}  // namespace tamis::engine
