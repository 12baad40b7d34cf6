// Reference operators of bytes. Integer products are float products of what the integers stand for
// less their zero points.
#include <algorithm>
#include <cmath>

#include "engine/reference_values.hpp"

namespace tamis::engine::reference {

namespace {

double rounded_to_byte(const Evaluation& at, const std::string& zero_point, double value,
                       double zero) {
    const auto type = at.graph.integer_types.find(zero_point);
    const bool is_signed =
        type != at.graph.integer_types.end() && type->second == ElementType::int8;
    const double whole = std::nearbyint(value) + zero;
    return is_signed ? std::clamp(whole, -128.0, 127.0) : std::clamp(whole, 0.0, 255.0);
}

Values quantised(const Evaluation& at, const Node& node) {
    const Axes in = extents(at.in(node));
    const auto axis = static_cast<std::size_t>(node.integer("axis", 1) - 1);
    const bool single = at.weight(node, 1).size() == 1;
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(in, [&](const Axes& index) {
            const std::size_t channel = single ? 0 : index[axis];
            const float scale = at.weight(node, 1)[channel];
            const float zero = at.weight(node, 2)[channel];
            const double x = at.element(node, 0, row, offset_of(index, in));
            // The quotient is a float's, as everywhere: a half must round the same way.
            y.push_back(
                node.op == "QuantizeLinear"
                    ? rounded_to_byte(at, node.inputs[2], static_cast<float>(x) / scale, zero)
                    : (x - zero) * scale);
        });
    }
    return y;
}

// The same node on shifted integers as a plain product, evaluated by its own family.
Values shifted_product(const Evaluation& at, const Node& node, std::size_t weight_at) {
    const bool is_conv = node.op.find("Conv") != std::string::npos;
    const auto zero_at = [&](std::size_t input, std::size_t channel) -> double {
        const FloatBuffer& zero = at.weight(node, input);
        return zero[zero.size() == 1 ? 0 : channel];
    };
    Graph graph = at.graph;
    Tensor& w = graph.weights.at(node.inputs[weight_at]);
    const std::size_t channels = static_cast<std::size_t>(w.shape[is_conv ? 0 : 1]);
    for (std::size_t i = 0; i < w.values.size(); ++i) {
        const std::size_t channel = is_conv ? i / (w.values.size() / channels) : i % channels;
        w.values[i] -= static_cast<float>(zero_at(weight_at + 2, channel));
    }
    Evaluation shifted{graph, at.shapes, at.rows, false, {}};
    Values x = at.value(node, 0);
    for (double& value : x) value -= zero_at(2, 0);
    shifted.values[node.inputs[0]] = std::move(x);
    Node plain{node.name,
               is_conv ? "Conv" : "MatMul",
               {node.inputs[0], node.inputs[weight_at]},
               node.outputs,
               node.attributes};
    const Results y = is_conv ? evaluate_window(shifted, plain) : evaluate_product(shifted, plain);
    return y[0];
}

Values requantised(const Evaluation& at, const Node& node) {
    Values y = shifted_product(at, node, 3);
    const bool is_conv = node.op == "QLinearConv";
    const Shape& out = at.out(node);
    const auto channels = static_cast<std::size_t>(is_conv ? out[0] : out[out.rank() - 1]);
    const std::size_t space = is_conv ? out.element_count() / channels : 1;
    const FloatBuffer& scales = at.weight(node, 4);
    for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t channel = i / space % channels;
        const double bias = node.inputs.size() > 8 ? at.weight(node, 8)[channel] : 0.F;
        const double scale = static_cast<double>(at.weight(node, 1)[0]) *
                             scales[scales.size() == 1 ? 0 : channel] / at.weight(node, 6)[0];
        y[i] = rounded_to_byte(at, node.inputs[7], (y[i] + bias) * scale, at.weight(node, 7)[0]);
    }
    return y;
}

}  // namespace

Results evaluate_quantised(const Evaluation& at, const Node& node) {
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") return {quantised(at, node)};
    if (node.op == "ConvInteger" || node.op == "MatMulInteger") {
        return {shifted_product(at, node, 1)};
    }
    if (node.op.starts_with("QLinear")) return {requantised(at, node)};
    return {};
}

}  // namespace tamis::engine::reference
