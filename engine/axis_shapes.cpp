// Shapes of operators that work along axes: softmax, reductions, selections.
#include <algorithm>

#include "engine/shape_rules.hpp"

namespace tamis::engine {

namespace {

ShapeResult softmax_shape(const Inspection& at) {
    auto shape = same_shape(at);
    if (!shape) return shape;
    const auto axis = row_axis(at.node.integer("axis", 1), shape->rank());
    if (!axis) return tl::unexpected(axis.error());
    return shape;
}

// The shape without these row axes, or with 1 in their places.
ShapeResult reduced(const Shape& row, const std::vector<std::int64_t>& axes, bool keep) {
    std::vector<std::int64_t> dimensions;
    for (std::size_t axis = 0; axis < row.rank(); ++axis) {
        const bool gone =
            std::ranges::find(axes, static_cast<std::int64_t>(axis + 1)) != axes.end();
        if (!gone) dimensions.push_back(row[axis]);
        if (gone && keep) dimensions.push_back(1);
    }
    return Shape::make(dimensions);
}

ShapeResult reduction_shape(const Inspection& at) {
    auto shape = same_shape(at);
    if (!shape) return shape;
    const std::vector<std::int64_t> axes = at.node.integers("axes");
    for (const std::int64_t axis : axes) {
        if (const auto legal = row_axis(axis, shape->rank()); !legal) {
            return tl::unexpected(legal.error());
        }
    }
    if (axes.empty() || !std::ranges::is_sorted(axes, std::less_equal<>{})) {
        return refuse_shape("needs axes in ascending order");
    }
    return reduced(*shape, axes, at.node.integer("keepdims", 1) != 0);
}

ShapeResult arg_max_shape(const Inspection& at) {
    auto shape = softmax_shape(at);
    if (!shape) return shape;
    return reduced(*shape, {at.node.integer("axis", 1)}, at.node.integer("keepdims", 1) != 0);
}

ShapeResult top_k_shape(const Inspection& at) {
    auto shape = softmax_shape(at);
    if (!shape) return shape;
    std::vector<std::int64_t> dimensions(shape->dimensions().begin(), shape->dimensions().end());
    std::int64_t& extent = dimensions[static_cast<std::size_t>(at.node.integer("axis", 1) - 1)];
    const std::int64_t k = at.node.integer("k", 0);
    if (k < 1 || k > extent) {
        return refuse_shape("k = " + std::to_string(k) + " (out of range); the axis has " +
                            std::to_string(extent) + " places");
    }
    extent = k;
    return Shape::make(dimensions);
}

constexpr std::array kRules = {
    ShapeRule{"ArgMax", arg_max_shape},
    ShapeRule{"LogSoftmax", softmax_shape},
    ShapeRule{"ReduceL2", reduction_shape},
    ShapeRule{"ReduceMax", reduction_shape},
    ShapeRule{"ReduceMean", reduction_shape},
    ShapeRule{"ReduceSum", reduction_shape},
    ShapeRule{"ReduceSumSquare", reduction_shape},
    ShapeRule{"Softmax", softmax_shape},
    ShapeRule{"TopK", top_k_shape, 2},
};

}  // namespace

std::span<const ShapeRule> axis_shape_rules() { return kRules; }

}  // namespace tamis::engine
