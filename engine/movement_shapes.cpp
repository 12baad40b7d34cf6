// Shapes of operators that only move elements.
#include <algorithm>

#include "engine/axis_maps.hpp"
#include "engine/shape_rules.hpp"

namespace tamis::engine {

namespace {

ShapeResult flatten_shape(const Inspection& at) {
    auto shape = same_shape(at);
    if (!shape) return shape;
    const std::array<std::int64_t, 1> flat{static_cast<std::int64_t>(shape->element_count())};
    return Shape::make(flat);
}

ShapeResult reshape_shape(const Inspection& at) {
    auto shape = same_shape(at);
    if (!shape) return shape;
    auto target = Shape::make(at.node.integers("shape"));
    if (!target) return target;
    if (target->element_count() != shape->element_count()) {
        return refuse_shape("a row of shape " + shape->text() + " cannot become " + target->text());
    }
    return target;
}

ShapeResult concat_shape(const Inspection& at) {
    const Shape* first = at.value(0);
    if (first == nullptr) return refuse_shape("needs values, not weights");
    const std::int64_t axis = at.node.integer("axis", 1) - 1;
    if (axis < 0 || axis >= static_cast<std::int64_t>(first->rank())) {
        return refuse_shape(
            "axis out of range; an axis of the row is needed, the batch is dimension 0");
    }
    std::vector<std::int64_t> joined(first->dimensions().begin(), first->dimensions().end());
    for (std::size_t input = 1; input < at.node.inputs.size(); ++input) {
        const Shape* next = at.value(input);
        if (next == nullptr || next->rank() != first->rank()) {
            return refuse_shape("inputs must be values of the same rank");
        }
        for (std::size_t k = 0; k < joined.size(); ++k) {
            if (static_cast<std::int64_t>(k) == axis) {
                joined[k] += (*next)[k];
            } else if (joined[k] != (*next)[k]) {
                return refuse_shape("rows " + first->text() + " and " + next->text() +
                                    " differ outside the joined axis");
            }
        }
    }
    return Shape::make(joined);
}

ShapeResult transpose_shape(const Inspection& at) {
    auto shape = same_shape(at);
    if (!shape) return shape;
    const std::vector<std::int64_t> perm = at.node.integers("perm");
    std::vector<std::int64_t> sorted = perm;
    std::ranges::sort(sorted);
    bool complete = perm.size() == shape->rank() + 1;
    for (std::size_t k = 0; complete && k < sorted.size(); ++k) {
        complete = sorted[k] == static_cast<std::int64_t>(k);
    }
    if (!complete || perm[0] != 0) {
        return refuse_shape("perm must order all dimensions and leave the batch (0) first");
    }
    std::vector<std::int64_t> dimensions;
    for (std::size_t k = 1; k < perm.size(); ++k) {
        dimensions.push_back((*shape)[static_cast<std::size_t>(perm[k] - 1)]);
    }
    return Shape::make(dimensions);
}

ShapeResult moved_shape(const Inspection& at) {
    auto shape = same_shape(at);
    if (!shape) return shape;
    const auto maps = axis_maps_of(at.node, *shape);
    if (!maps) return tl::unexpected(maps.error());
    return Shape::make(maps->dimensions());
}

ShapeResult gather_shape(const Inspection& at) {
    auto moved = moved_shape(at);
    if (!moved) return moved;
    const auto axis = static_cast<std::size_t>(at.node.integer("axis", 1) - 1);
    auto indices = Shape::make(at.node.integers("indices_shape"));
    if (!indices || indices->element_count() != at.node.integers("indices").size()) {
        return refuse_shape("indices_shape does not match the number of indices");
    }
    const auto before = moved->dimensions().first(axis);
    std::vector<std::int64_t> dimensions(before.begin(), before.end());
    const auto inside = indices->dimensions();
    dimensions.insert(dimensions.end(), inside.begin(), inside.end());
    const auto after = moved->dimensions().subspan(axis + 1);
    dimensions.insert(dimensions.end(), after.begin(), after.end());
    return Shape::make(dimensions);
}

constexpr std::array kRules = {
    ShapeRule{"Concat", concat_shape},   ShapeRule{"Expand", moved_shape},
    ShapeRule{"Flatten", flatten_shape}, ShapeRule{"Gather", gather_shape},
    ShapeRule{"Pad", moved_shape},       ShapeRule{"Reshape", reshape_shape},
    ShapeRule{"Slice", moved_shape},     ShapeRule{"Transpose", transpose_shape},
};

}  // namespace

std::span<const ShapeRule> movement_shape_rules() { return kRules; }

}  // namespace tamis::engine
