#include "engine/folded_arithmetic.hpp"

#include <algorithm>
#include <cmath>

#include "engine/refusal.hpp"
#include "engine/shape_rules.hpp"
#include "engine/strided_loops.hpp"

namespace tamis::engine {

namespace {

using Folded = tl::expected<OnnxConstant, std::string>;

double computed(const std::string& op, double x) {
    if (op == "Abs") return std::abs(x);
    if (op == "Exp") return std::exp(x);
    if (op == "Log") return std::log(x);
    if (op == "Neg") return -x;
    return std::sqrt(x);
}

double computed(const std::string& op, double left, double right) {
    if (op == "Add") return left + right;
    if (op == "Sub") return left - right;
    if (op == "Mul") return left * right;
    if (op == "Div") return left / right;
    return std::pow(left, right);
}

// Nothing: overflow, division by zero, or an operator integers have not.
std::optional<std::int64_t> computed_integer(const std::string& op, std::int64_t left,
                                             std::int64_t right) {
    if (left == kBatchSize || right == kBatchSize) return std::nullopt;
    std::int64_t result = 0;
    bool failed = true;
    if (op == "Add") failed = __builtin_add_overflow(left, right, &result);
    if (op == "Sub") failed = __builtin_sub_overflow(left, right, &result);
    if (op == "Mul") failed = __builtin_mul_overflow(left, right, &result);
    if (op == "Div" && right != 0 && !(right == -1 && left == INT64_MIN)) return left / right;
    if (failed) return std::nullopt;
    return result;
}

}  // namespace

Folded fold_function(const NodeArguments& at) {
    OnnxConstant to = *at.constant(0);
    if (!to.is_real()) return refuse("a constant of integers is not supported here");
    for (float& value : to.reals) value = static_cast<float>(computed(at.node.op, value));
    return to;
}

Folded fold_pair(const NodeArguments& at) {
    if (at.constants.size() != 2) return refuse("needs two inputs");
    const OnnxConstant& left = *at.constant(0);
    const OnnxConstant& right = *at.constant(1);
    const auto left_shape = Shape::make(left.dimensions);
    const auto right_shape = Shape::make(right.dimensions);
    if (left.type != right.type || !left_shape || !right_shape) {
        return refuse("constants of two types, or empty ones, are not supported here");
    }
    const auto result = repeated_shape(left.dimensions, right.dimensions);
    if (!result) return tl::unexpected(result.error());
    // Both sides come from the file; only their repetition could be large.
    if (result->element_count() > std::size_t{1} << 22) return refuse("the result is too large");
    OnnxConstant to{left.type, {result->dimensions().begin(), result->dimensions().end()}, {}, {}};
    const StridedLoops<2> loops(
        *result, {repeated_strides(*left_shape, *result), repeated_strides(*right_shape, *result)});
    bool failed = false;
    loops.for_each_run([&](const auto& offsets) {
        for (std::size_t i = 0; i < loops.run_length(); ++i) {
            const std::size_t a = offsets[0] + i * loops.run_step(0);
            const std::size_t b = offsets[1] + i * loops.run_step(1);
            if (left.is_real()) {
                to.reals.push_back(
                    static_cast<float>(computed(at.node.op, left.reals[a], right.reals[b])));
                continue;
            }
            const auto value = computed_integer(at.node.op, left.integers[a], right.integers[b]);
            failed = failed || !value;
            to.integers.push_back(value.value_or(0));
        }
    });
    if (failed) {
        return refuse(
            "integers that overflow, a division by zero, or arithmetic on the size of "
            "the batch (unsupported)");
    }
    return to;
}

Folded fold_cast(const NodeArguments& at) {
    static const std::map<std::int64_t, ElementType> types = {
        {1, ElementType::float32}, {2, ElementType::uint8}, {3, ElementType::int8},
        {6, ElementType::int32},   {7, ElementType::int64}, {9, ElementType::boolean}};
    const auto type = types.find(at.node.integer("to", 0));
    if (type == types.end()) return refuse("casts to this type are not supported");
    const OnnxConstant& from = *at.constant(0);
    OnnxConstant to{type->second, from.dimensions, {}, {}};
    constexpr double kLimit = 9e18;
    for (const float value : from.reals) {
        if (!to.is_real() && !(std::abs(value) < kLimit)) return refuse("a number out of range");
        if (to.is_real()) to.reals.push_back(value);
        if (!to.is_real()) to.integers.push_back(static_cast<std::int64_t>(value));
    }
    for (const std::int64_t value : from.integers) {
        if (to.is_real() && value == kBatchSize) {
            return refuse("arithmetic on the size of the batch is not supported");
        }
        if (to.is_real()) to.reals.push_back(static_cast<float>(value));
        if (!to.is_real()) to.integers.push_back(value);
    }
    return to;
}

Folded fold_dequantise(const NodeArguments& at) {
    const OnnxConstant& x = *at.constant(0);
    const OnnxConstant* scale = at.constant(1);
    const OnnxConstant* zero = at.constant(2);
    if (scale == nullptr || !scale->is_real() || x.is_real() || scale->count() == 0 ||
        (zero != nullptr && (zero->is_real() || zero->count() != scale->count()))) {
        return refuse("needs integers, scales and as many integer zero points");
    }
    std::size_t inner = 1;
    if (scale->count() > 1) {
        const auto axis = plain_axis(at.node.integer("axis", 1), x.dimensions.size());
        if (!axis) return tl::unexpected(axis.error());
        if (x.dimensions[*axis] != static_cast<std::int64_t>(scale->count())) {
            return refuse("needs one scale per place on the axis");
        }
        for (std::size_t k = *axis + 1; k < x.dimensions.size(); ++k) {
            inner *= static_cast<std::size_t>(x.dimensions[k]);
        }
    }
    OnnxConstant to{ElementType::float32, x.dimensions, {}, {}};
    for (std::size_t i = 0; i < x.count(); ++i) {
        const std::size_t channel = i / std::max<std::size_t>(inner, 1) % scale->count();
        const std::int64_t shift = zero == nullptr ? 0 : zero->integers[channel];
        to.reals.push_back(
            static_cast<float>(static_cast<double>(x.integers[i]) - static_cast<double>(shift)) *
            scale->reals[channel]);
    }
    return to;
}

}  // namespace tamis::engine
