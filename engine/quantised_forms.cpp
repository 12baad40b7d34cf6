// Normal forms of operators of bytes: zero points that are not given are 0, all but the value are
// weights.
#include "engine/onnx_rewrite.hpp"
#include "engine/window_forms.hpp"

namespace tamis::engine {

namespace {

using NameResult = tl::expected<std::string, std::string>;

// The zero point at an input, in the shape of its scale, or zeros.
NameResult zero_point(const Rewrite& at, std::size_t input, const Shape& shape, ElementType type) {
    if (!at.arguments.has(input)) return at.new_weight("zero", shape, 0.F, type);
    const OnnxConstant* given = at.arguments.constant(input);
    if (given != nullptr && given->count() == 1) return at.weight(input, shape);
    return at.weight(input);
}

Rewritten quantise(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs a value");
    const auto scale = at.weight(1);
    if (!scale) return tl::unexpected(scale.error());
    const Shape shape = at.form.graph.weights.at(*scale).shape;
    const auto zero = zero_point(at, 2, shape, ElementType::uint8);
    if (!zero) return tl::unexpected(zero.error());
    std::int64_t axis = 1;
    if (shape.element_count() > 1) {
        const auto row_axis = at.axis_of(at.node().integer("axis", 1), at.dimensions(0).size());
        if (!row_axis) return tl::unexpected(row_axis.error());
        axis = *row_axis;
    }
    return at.finish(at.node().op, {at.node().inputs[0], *scale, *zero}, {{"axis", axis}});
}

// Inputs after the value; where a zero point is missing there is one.
tl::expected<std::vector<std::string>, std::string> integer_weights(const Rewrite& at) {
    std::vector<std::string> names;
    const bool quantised = at.node().op.starts_with("QLinear");
    for (std::size_t input = 1; input < at.node().inputs.size(); ++input) {
        if (!quantised && input >= 2) break;  // zero points below
        const auto name = at.weight(input);
        if (!name) return tl::unexpected(name.error());
        names.push_back(*name);
    }
    for (std::size_t input = 2; !quantised && input < 4; ++input) {
        const auto name = at.arguments.has(input)
                              ? at.weight(input)
                              : at.new_weight("zero", Shape{}, 0.F, ElementType::uint8);
        if (!name) return tl::unexpected(name.error());
        names.push_back(*name);
    }
    if (names.size() < 3) return refuse_form("needs a weight, scales and zero points");
    return names;
}

Rewritten integer_convolution(const Rewrite& at) {
    const auto weights = integer_weights(at);
    if (!weights) return tl::unexpected(weights.error());
    const std::size_t kernel_at = at.node().op == "ConvInteger" ? 1 : 3;
    return finish_window(at, *weights, kernel_at);
}

Rewritten integer_matmul(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs a value");
    const auto weights = integer_weights(at);
    if (!weights) return tl::unexpected(weights.error());
    std::vector<std::string> inputs{at.node().inputs[0]};
    inputs.insert(inputs.end(), weights->begin(), weights->end());
    return at.finish(at.node().op, inputs);
}

constexpr std::array kForms = {
    Form{"ConvInteger",
         integer_convolution,
         {"auto_pad", "kernel_shape", "pads", "strides", "dilations", "group"}},
    Form{"DequantizeLinear", quantise, {"axis"}},
    Form{"MatMulInteger", integer_matmul},
    Form{"QLinearConv",
         integer_convolution,
         {"auto_pad", "kernel_shape", "pads", "strides", "dilations", "group"}},
    Form{"QLinearMatMul", integer_matmul},
    Form{"QuantizeLinear", quantise, {"axis"}},
};

}  // namespace

std::span<const Form> quantised_forms() { return kForms; }

}  // namespace tamis::engine
