// How infer_node_shapes knows the shapes of one operator: families of rules, one file each. Cold
// path.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

using ShapeResult = tl::expected<Shape, std::string>;

// What a rule sees: the node, its value inputs' shapes and its weights.
struct Inspection {
    const Graph& graph;
    const Node& node;
    const ValueShapes& known;

    [[nodiscard]] const Shape* value(std::size_t input) const;
    [[nodiscard]] const Shape* weight(std::size_t input) const;
    [[nodiscard]] const Shape* either(std::size_t input) const;
};

[[nodiscard]] inline ShapeResult refuse_shape(std::string message) {
    return tl::unexpected(std::move(message));
}

// One value in.
[[nodiscard]] ShapeResult same_shape(const Inspection& at);
// Two shapes that are repeated against each other, aligned at the end. Error: they do not fit.
[[nodiscard]] ShapeResult repeated_shape(std::span<const std::int64_t> left,
                                         std::span<const std::int64_t> right);
// The row axis (from 0) of an attribute that counts with the batch. Error: out of range.
[[nodiscard]] tl::expected<std::size_t, std::string> row_axis(std::int64_t axis, std::size_t rank);

struct ShapeRule {
    std::string_view op;
    ShapeResult (*shape)(const Inspection&);
    std::size_t outputs = 1;  // all of the same shape
};

[[nodiscard]] std::span<const ShapeRule> elementwise_shape_rules();
[[nodiscard]] std::span<const ShapeRule> product_shape_rules();  // Gemm, MatMul and their kin
[[nodiscard]] std::span<const ShapeRule> window_shape_rules();
[[nodiscard]] std::span<const ShapeRule> axis_shape_rules();  // reductions and selections
[[nodiscard]] std::span<const ShapeRule> movement_shape_rules();

}  // namespace tamis::engine
