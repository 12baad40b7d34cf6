// Shapes of operators that work element by element, alone or in pairs.
#include "engine/shape_rules.hpp"

namespace tamis::engine {

namespace {

ShapeResult pair_shape(const Inspection& at) {
    if (at.node.inputs.size() != 2) return refuse_shape("needs two inputs");
    if (at.value(0) == nullptr && at.value(1) == nullptr) {
        return refuse_shape("both inputs are weights (unsupported); fold them into one");
    }
    const Shape& left = *at.either(0);
    const Shape& right = *at.either(1);
    const auto misfit = [&](const std::string& why) {
        return refuse_shape("shapes " + left.text() + " and " + right.text() + " do not fit (" +
                            why + "); they must be equal or 1 where one is repeated");
    };
    if (at.value(0) != nullptr && at.value(1) != nullptr && left.rank() != right.rank()) {
        return misfit("rows of different rank would shift the batch; reshape one");
    }
    const Shape& value = at.value(0) != nullptr ? left : right;
    const Shape& other = at.value(0) != nullptr ? right : left;
    if (other.rank() > value.rank()) return misfit("the weight has more dimensions than the row");
    auto shape = repeated_shape(left.dimensions(), right.dimensions());
    if (!shape) return misfit(shape.error());
    return shape;
}

ShapeResult slope_shape(const Inspection& at) {
    auto shape = pair_shape(at);
    if (shape && at.value(0) == nullptr) return refuse_shape("the first input must be a value");
    if (shape && *shape != *at.value(0)) return refuse_shape("the slope is larger than the value");
    return shape;
}

ShapeResult leaky_relu_shape(const Inspection& at) {
    const float alpha = at.node.real("alpha", 0.01F);
    if (!(alpha >= 0.F)) return refuse_shape("alpha must be 0 or above");
    return same_shape(at);
}

ShapeResult clip_shape(const Inspection& at) {
    if (!(at.node.real("min", 0.F) <= at.node.real("max", 0.F))) {
        return refuse_shape("min must not be above max");
    }
    return same_shape(at);
}

ShapeResult dropout_shape(const Inspection& at) {
    const float ratio = at.node.real("ratio", 0.5F);
    if (!(ratio >= 0.F && ratio < 1.F)) return refuse_shape("ratio must lie in [0, 1)");
    return same_shape(at);
}

ShapeResult quantised_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    const Shape* scale = at.weight(1);
    if (x == nullptr || scale == nullptr || at.node.inputs.size() != 3 || at.weight(2) == nullptr ||
        *at.weight(2) != *scale) {
        return refuse_shape("needs a value and as weights a scale and a zero point of one shape");
    }
    if (scale->element_count() == 1) return *x;
    const auto axis = row_axis(at.node.integer("axis", 1), x->rank());
    if (!axis) return tl::unexpected(axis.error());
    if (*scale != Shape{(*x)[*axis]}) return refuse_shape("needs one scale per place on the axis");
    return *x;
}

constexpr std::array kRules = {
    ShapeRule{"Abs", same_shape},
    ShapeRule{"Add", pair_shape},
    ShapeRule{"Cast", same_shape},
    ShapeRule{"Clip", clip_shape},
    ShapeRule{"DequantizeLinear", quantised_shape},
    ShapeRule{"Div", pair_shape},
    ShapeRule{"Dropout", dropout_shape},
    ShapeRule{"Elu", same_shape},
    ShapeRule{"Erf", same_shape},
    ShapeRule{"Exp", same_shape},
    ShapeRule{"HardSigmoid", same_shape},
    ShapeRule{"Identity", same_shape},
    ShapeRule{"LeakyRelu", leaky_relu_shape},
    ShapeRule{"Log", same_shape},
    ShapeRule{"Mul", pair_shape},
    ShapeRule{"Neg", same_shape},
    ShapeRule{"PRelu", slope_shape},
    ShapeRule{"Pow", pair_shape},
    ShapeRule{"QuantizeLinear", quantised_shape},
    ShapeRule{"Relu", same_shape},
    ShapeRule{"Selu", same_shape},
    ShapeRule{"Sigmoid", same_shape},
    ShapeRule{"Softplus", same_shape},
    ShapeRule{"Sqrt", same_shape},
    ShapeRule{"Sub", pair_shape},
    ShapeRule{"Tanh", same_shape},
};

}  // namespace

std::span<const ShapeRule> elementwise_shape_rules() { return kRules; }

}  // namespace tamis::engine
