// Shapes of matrix products.
#include "engine/shape_rules.hpp"

namespace tamis::engine {

namespace {

ShapeResult dense_shape(const Inspection& at, bool transposed) {
    const Shape* x = at.value(0);
    const Shape* w = at.weight(1);
    if (x == nullptr || w == nullptr) {
        return refuse_shape("the first input must be a value and the second a weight");
    }
    if (x->rank() != 1 || w->rank() != 2) {
        return refuse_shape("input row " + x->text() + " with weight " + w->text() +
                            " (unsupported); supported is a row [in] with a weight of two "
                            "dimensions");
    }
    const std::int64_t in = transposed ? (*w)[1] : (*w)[0];
    const std::int64_t out = transposed ? (*w)[0] : (*w)[1];
    if ((*x)[0] != in) {
        return refuse_shape("input row " + x->text() + " does not fit the weight " + w->text());
    }
    return Shape{out};
}

ShapeResult gemm_shape(const Inspection& at) {
    if (at.node.integer("transA", 0) != 0) {
        return refuse_shape("transA = 1 would mix the events of a batch; supported is transA = 0");
    }
    if (at.node.inputs.size() < 2 || at.node.inputs.size() > 3) {
        return refuse_shape("needs a value, a weight and at most one bias");
    }
    auto shape = dense_shape(at, at.node.integer("transB", 0) != 0);
    if (shape && at.node.inputs.size() == 3) {
        const Shape* bias = at.weight(2);
        if (bias == nullptr || *bias != *shape) {
            return refuse_shape("the bias must be a weight of shape " + shape->text());
        }
    }
    return shape;
}

ShapeResult stacked_shape(const Shape& left, const Shape& right) {
    const auto misfit = [&] {
        return refuse_shape("matrices " + left.text() + " and " + right.text() + " do not fit");
    };
    if (left.rank() < 2 || right.rank() < 2 || left[left.rank() - 1] != right[right.rank() - 2]) {
        return misfit();
    }
    const auto stack = repeated_shape(left.dimensions().first(left.rank() - 2),
                                      right.dimensions().first(right.rank() - 2));
    if (!stack) return misfit();
    std::vector<std::int64_t> dimensions(stack->dimensions().begin(), stack->dimensions().end());
    dimensions.push_back(left[left.rank() - 2]);
    dimensions.push_back(right[right.rank() - 1]);
    return Shape::make(dimensions);
}

ShapeResult matmul_shape(const Inspection& at) {
    if (at.node.inputs.size() != 2 || (at.value(0) == nullptr && at.value(1) == nullptr)) {
        return refuse_shape("needs two values, or a value and a weight");
    }
    if (at.value(0) != nullptr && at.value(0)->rank() == 1 && at.weight(1) != nullptr) {
        return dense_shape(at, false);
    }
    const Shape& left = *at.either(0);
    const Shape& right = *at.either(1);
    const Shape& value = at.value(0) != nullptr ? left : right;
    if (at.value(0) != nullptr && at.value(1) != nullptr
            ? left.rank() != right.rank()
            : left.rank() > value.rank() || right.rank() > value.rank()) {
        return refuse_shape("rows " + left.text() + " and " + right.text() +
                            " of different rank would shift the batch; reshape one");
    }
    return stacked_shape(left, right);
}

// x [.., in] with a weight [in, out], scales and zero points.
ShapeResult integer_product(const Inspection& at, std::size_t weight_at, std::size_t inputs) {
    const Shape* x = at.value(0);
    const Shape* w = at.weight(weight_at);
    if (x == nullptr || w == nullptr || at.node.inputs.size() != inputs) {
        return refuse_shape("needs a value and as weights a matrix, scales and zero points");
    }
    if (w->rank() != 2 || x->rank() < 1 || (*x)[x->rank() - 1] != (*w)[0]) {
        return refuse_shape("a row " + x->text() + " does not fit the matrix " + w->text() +
                            "; supported is [.., in] with [in, out]");
    }
    for (std::size_t input = 1; input < inputs; ++input) {
        const Shape* other = at.weight(input);
        if (other == nullptr) return refuse_shape("all inputs but the first must be weights");
        const bool per_column = input > weight_at && *other == Shape{(*w)[1]};
        if (input != weight_at && other->element_count() != 1 && !per_column) {
            return refuse_shape(
                "scales and zero points have one value, those of the matrix may "
                "have one per column");
        }
    }
    std::vector<std::int64_t> dimensions(x->dimensions().begin(), x->dimensions().end());
    dimensions.back() = (*w)[1];
    return Shape::make(dimensions);
}

ShapeResult matmul_integer_shape(const Inspection& at) { return integer_product(at, 1, 4); }
ShapeResult qlinear_matmul_shape(const Inspection& at) { return integer_product(at, 3, 8); }

constexpr std::array kRules = {
    ShapeRule{"Gemm", gemm_shape},
    ShapeRule{"MatMul", matmul_shape},
    ShapeRule{"MatMulInteger", matmul_integer_shape},
    ShapeRule{"QLinearMatMul", qlinear_matmul_shape},
};

}  // namespace

std::span<const ShapeRule> product_shape_rules() { return kRules; }

}  // namespace tamis::engine
