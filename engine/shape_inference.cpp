// infer_node_shapes of graph.hpp over the families of rules. Cold path.
#include <algorithm>

#include "engine/recurrent_form.hpp"
#include "engine/shape_rules.hpp"

namespace tamis::engine {

namespace {

std::array<std::span<const ShapeRule>, 5> families() {
    return {elementwise_shape_rules(), product_shape_rules(), window_shape_rules(),
            axis_shape_rules(), movement_shape_rules()};
}

const ShapeRule* rule_of(std::string_view op) {
    for (const auto& family : families()) {
        const auto rule = std::ranges::find(family, op, &ShapeRule::op);
        if (rule != family.end()) return &*rule;
    }
    return nullptr;
}

}  // namespace

const Shape* Inspection::value(std::size_t input) const {
    if (input >= node.inputs.size()) return nullptr;
    const auto found = known.find(node.inputs[input]);
    return found == known.end() ? nullptr : &found->second;
}

const Shape* Inspection::weight(std::size_t input) const {
    if (input >= node.inputs.size()) return nullptr;
    const auto found = graph.weights.find(node.inputs[input]);
    return found == graph.weights.end() ? nullptr : &found->second.shape;
}

const Shape* Inspection::either(std::size_t input) const {
    const Shape* shape = value(input);
    return shape != nullptr ? shape : weight(input);
}

ShapeResult same_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || at.node.inputs.size() != 1) return refuse_shape("needs one value");
    return *x;
}

ShapeResult repeated_shape(std::span<const std::int64_t> left,
                           std::span<const std::int64_t> right) {
    if (left.size() < right.size()) std::swap(left, right);
    std::vector<std::int64_t> result(left.begin(), left.end());
    const std::size_t shift = left.size() - right.size();
    for (std::size_t axis = 0; axis < right.size(); ++axis) {
        std::int64_t& extent = result[axis + shift];
        if (extent == 1) {
            extent = right[axis];
        } else if (right[axis] != 1 && right[axis] != extent) {
            return refuse_shape("extents " + std::to_string(extent) + " and " +
                                std::to_string(right[axis]) + " do not fit");
        }
    }
    return Shape::make(result);
}

tl::expected<std::size_t, std::string> row_axis(std::int64_t axis, std::size_t rank) {
    if (axis < 1 || axis > static_cast<std::int64_t>(rank)) {
        return tl::unexpected("axis " + std::to_string(axis) +
                              " (out of range); the batch is dimension 0, an axis of the row is "
                              "needed");
    }
    return static_cast<std::size_t>(axis - 1);
}

tl::expected<std::vector<Shape>, std::string> infer_node_shapes(const Graph& graph,
                                                                const Node& node,
                                                                const ValueShapes& known) {
    const ShapeRule* rule = rule_of(node.op);
    if (rule == nullptr && !is_recurrent(node)) {
        return tl::unexpected("operator not supported; supported are " + supported_operators());
    }
    for (const std::string& input : node.inputs) {
        if (!known.contains(input) && !graph.weights.contains(input)) {
            return tl::unexpected("reads \"" + input + "\", which nothing before it defines");
        }
    }
    if (rule == nullptr) return recurrent_shapes(graph, node, known);
    auto shape = rule->shape(Inspection{graph, node, known});
    if (!shape) return tl::unexpected(shape.error());
    if (node.outputs.size() != rule->outputs) {
        return tl::unexpected("has " + std::to_string(node.outputs.size()) +
                              " outputs (unsupported); this operator has " +
                              std::to_string(rule->outputs));
    }
    return std::vector<Shape>(rule->outputs, *shape);
}

std::string supported_operators() {
    std::vector<std::string_view> names = {"GRU", "LSTM"};
    for (const auto& family : families()) {
        for (const ShapeRule& rule : family) names.push_back(rule.op);
    }
    std::ranges::sort(names);
    std::string list;
    for (const std::string_view name : names)
        list += (list.empty() ? "" : ", ") + std::string(name);
    return list;
}

}  // namespace tamis::engine
