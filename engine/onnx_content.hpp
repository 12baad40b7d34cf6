// What an ONNX file holds before any operator is looked at: nodes as they are, typed constants.
// Knows no protobuf. Plain data, cold path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/axis_maps.hpp"
#include "engine/graph.hpp"

namespace tamis::engine {

// A tensor with its own type; unlike a Shape it may be empty.
struct OnnxConstant {
    ElementType type = ElementType::float32;
    std::vector<std::int64_t> dimensions;
    std::vector<float> reals;            // of float32
    std::vector<std::int64_t> integers;  // of all other types

    [[nodiscard]] bool is_real() const { return type == ElementType::float32; }
    [[nodiscard]] std::size_t count() const { return is_real() ? reals.size() : integers.size(); }
};

// In place of a number: the size of the batch, which a Shape operator found and only a Reshape or
// Expand may use. No exporter writes this number itself.
inline constexpr std::int64_t kBatchSize = -0x7a31'5e19'0000'0001;

struct OnnxInput {
    std::string name;
    ElementType type = ElementType::float32;
    std::vector<std::int64_t> dimensions;  // -1: open
};

struct OnnxContent {
    std::string name;
    std::int64_t opset = 13;
    std::vector<OnnxInput> inputs;
    std::vector<std::string> outputs;
    std::vector<Node> nodes;  // optional inputs that are absent have the name ""
    std::map<std::string, OnnxConstant> constants;
    // The tensor attribute "value" of ConstantOfShape, by the node's output.
    std::map<std::string, OnnxConstant> fill_values;
};

// A node's attributes and constant inputs. Older opsets have as attributes what newer ones have as
// inputs.
struct NodeArguments {
    const Node& node;
    std::vector<const OnnxConstant*> constants;  // per input; null: absent, or a value

    [[nodiscard]] const OnnxConstant* constant(std::size_t input) const {
        return input < constants.size() ? constants[input] : nullptr;
    }
    [[nodiscard]] bool has(std::size_t input) const {
        return input < node.inputs.size() && !node.inputs[input].empty();
    }
    // The attribute, else the integer constant; nothing: neither is there.
    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(const std::string& attribute,
                                                                    std::size_t input) const;
    [[nodiscard]] std::string text(const std::string& attribute,
                                   const std::string& otherwise) const;
};

// Counted from the end where negative. Error: out of range.
[[nodiscard]] tl::expected<std::size_t, std::string> plain_axis(std::int64_t axis,
                                                                std::size_t rank);
[[nodiscard]] tl::expected<std::vector<std::size_t>, std::string> plain_axes(
    const std::vector<std::int64_t>& axes, std::size_t rank);  // ascending, each once

// ---- how operators that move elements are described, for constants and values alike ----
[[nodiscard]] tl::expected<std::vector<SliceRange>, std::string> slice_ranges(
    const NodeArguments& arguments, std::size_t rank);
// kBatchSize and 0 (copy) are resolved only where the given shape has them.
[[nodiscard]] tl::expected<std::vector<std::int64_t>, std::string> reshaped_dimensions(
    const NodeArguments& arguments, const std::vector<std::int64_t>& dimensions);
[[nodiscard]] tl::expected<std::vector<std::int64_t>, std::string> squeezed_dimensions(
    const NodeArguments& arguments, const std::vector<std::int64_t>& dimensions);
[[nodiscard]] tl::expected<std::vector<std::int64_t>, std::string> unsqueezed_dimensions(
    const NodeArguments& arguments, const std::vector<std::int64_t>& dimensions);

}  // namespace tamis::engine
