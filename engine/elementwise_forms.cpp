// Normal forms of operators that work element by element, alone or in pairs.
#include <algorithm>
#include <limits>

#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

namespace {

Rewritten one_value(const Rewrite& at, std::map<std::string, Attribute> attributes = {}) {
    if (at.row(0) == nullptr) return refuse_form("needs one value");
    return at.finish(at.node().op, {at.node().inputs[0]}, std::move(attributes));
}

Rewritten as_it_is(const Rewrite& at) {
    if (at.node().inputs.size() != 1) return refuse_form("needs one value");
    return one_value(at);
}

Rewritten leaky_relu(const Rewrite& at) {
    return one_value(at, {{"alpha", at.node().real("alpha", 0.01F)}});
}
Rewritten elu(const Rewrite& at) {
    return one_value(at, {{"alpha", at.node().real("alpha", 1.F)}});
}
Rewritten selu(const Rewrite& at) {
    return one_value(at, {{"alpha", at.node().real("alpha", 1.67326319217681884765625F)},
                          {"gamma", at.node().real("gamma", 1.05070102214813232421875F)}});
}
Rewritten hard_sigmoid(const Rewrite& at) {
    return one_value(
        at, {{"alpha", at.node().real("alpha", 0.2F)}, {"beta", at.node().real("beta", 0.5F)}});
}

// The attribute, else the constant input; nothing: an input that is not a constant number.
std::optional<float> number(const Rewrite& at, const std::string& attribute, std::size_t input,
                            float otherwise) {
    if (!at.arguments.has(input)) return at.node().real(attribute, otherwise);
    const OnnxConstant* given = at.arguments.constant(input);
    if (given == nullptr || !given->is_real() || given->count() != 1) return std::nullopt;
    return given->reals[0];
}

Rewritten clip(const Rewrite& at) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    const auto low = number(at, "min", 1, -kLargest);
    const auto high = number(at, "max", 2, kLargest);
    if (!low || !high) return refuse_form("min and max must be constant float numbers");
    return one_value(at, {{"min", *low}, {"max", *high}});
}

Rewritten dropout(const Rewrite& at) {
    const auto ratio = number(at, "ratio", 1, 0.5F);
    if (!ratio) return refuse_form("ratio must be a constant");
    if (at.arguments.has(2)) {
        const OnnxConstant* training = at.arguments.constant(2);
        if (training == nullptr || training->is_real() || training->count() != 1 ||
            training->integers[0] != 0) {
            return refuse_form("training_mode other than false is not supported");
        }
    }
    return one_value(at, {{"ratio", *ratio}});
}

Rewritten cast(const Rewrite& at) {
    if (at.node().integer("to", 0) != 1) {
        return refuse_form("casts of values to types other than float32 are not supported");
    }
    return one_value(at, {{"to", std::int64_t{1}}});
}

// Before opset 7 the second side starts at an axis of the first: what follows has length 1.
std::size_t trailing_ones(const Rewrite& at, std::size_t left_rank, std::size_t right_rank) {
    if (at.opset() >= 7 || at.node().integer("broadcast", 0) == 0) return 0;
    const std::int64_t axis = at.node().integer("axis", -1);
    const auto used = axis < 0 ? left_rank : static_cast<std::size_t>(axis) + right_rank;
    return used < left_rank ? left_rank - used : 0;
}

struct PairSide {
    std::vector<std::int64_t> dimensions;  // of the row, or of the constant
    bool constant = false;
};

tl::expected<PairSide, std::string> pair_side(const Rewrite& at, std::size_t input) {
    PairSide side;
    if (const Shape* row = at.row(input)) {
        side.dimensions.assign(row->dimensions().begin(), row->dimensions().end());
        return side;
    }
    const OnnxConstant* constant = at.arguments.constant(input);
    if (constant == nullptr) return refuse_form("needs two inputs");
    side.dimensions = constant->dimensions;
    side.constant = true;
    return side;
}

// The name of one side in the rank both have.
tl::expected<std::string, std::string> aligned(const Rewrite& at, std::size_t input, PairSide side,
                                               std::size_t rank) {
    auto& dimensions = side.dimensions;
    // A constant with a batch of one: every row meets the same values.
    if (side.constant && dimensions.size() == rank + 1 && dimensions[0] == 1) {
        dimensions.erase(dimensions.begin());
    }
    if (!side.constant && at.whole()) {
        dimensions.insert(dimensions.begin(), rank - std::min(rank, dimensions.size()), 1);
    }
    const auto shape = Shape::make(dimensions);
    if (!shape) return tl::unexpected(shape.error());
    return side.constant ? at.weight(input, *shape) : at.in_row(at.node().inputs[input], *shape);
}

Rewritten pair(const Rewrite& at) {
    auto left = pair_side(at, 0);
    auto right = pair_side(at, 1);
    if (!left) return tl::unexpected(left.error());
    if (!right) return tl::unexpected(right.error());
    const std::size_t batch = at.whole() ? 0 : 1;
    const std::size_t ones =
        trailing_ones(at, left->dimensions.size() + batch,
                      right->dimensions.size() + (right->constant ? 0 : batch));
    if (ones > 0 && !right->constant && !at.whole()) {
        return refuse_form("a side that starts at an axis would shift the batch (unsupported)");
    }
    right->dimensions.insert(right->dimensions.end(), ones, 1);
    // In a whole tensor a larger constant widens the value; else the row decides.
    std::size_t rank = 0;
    for (const auto* side : {&*left, &*right}) {
        if (at.whole() || !side->constant) rank = std::max(rank, side->dimensions.size());
    }
    const auto first = aligned(at, 0, *left, rank);
    const auto second = aligned(at, 1, *right, rank);
    if (!first) return tl::unexpected(first.error());
    if (!second) return tl::unexpected(second.error());
    return at.finish(at.node().op, {*first, *second});
}

// Before opset 7 a list of slopes is one per channel.
Rewritten slope(const Rewrite& at) {
    const OnnxConstant* given = at.arguments.constant(1);
    const Shape* row = at.row(0);
    const std::size_t channel = at.whole() ? 1 : 0;
    const bool per_channel = at.opset() < 7 && given != nullptr && row != nullptr &&
                             given->dimensions.size() == 1 && given->count() > 1 &&
                             row->rank() > channel;
    if (!per_channel) return pair(at);
    std::vector<std::int64_t> dimensions(row->rank() - channel, 1);
    dimensions[0] = given->dimensions[0];
    const auto shape = Shape::make(dimensions);
    const auto weight = shape ? at.weight(1, *shape) : tl::unexpected(shape.error());
    if (!weight) return tl::unexpected(weight.error());
    return at.finish("PRelu", {at.node().inputs[0], *weight});
}

Rewritten power(const Rewrite& at) {
    const OnnxConstant* exponent = at.arguments.constant(1);
    if (exponent == nullptr || exponent->is_real()) return pair(at);
    // Integer exponents mean the same as float ones.
    OnnxConstant real{ElementType::float32, exponent->dimensions, {}, {}};
    for (const std::int64_t value : exponent->integers) {
        real.reals.push_back(static_cast<float>(value));
    }
    std::string name = at.node().outputs[0] + "/exponent";
    while (at.form.constants.contains(name) || at.form.shapes.contains(name)) name += "'";
    Node node = at.node();
    node.inputs[1] = name;
    const OnnxConstant* stored = &(at.form.constants[name] = std::move(real));
    const NodeArguments arguments{node, {at.arguments.constant(0), stored}};
    return pair(Rewrite{at.form, arguments});
}

constexpr std::array kForms = {
    Form{"Abs", as_it_is},
    Form{"Add", pair, {"broadcast", "axis"}},
    Form{"Cast", cast, {"to"}},
    Form{"Clip", clip, {"min", "max"}},
    Form{"Div", pair, {"broadcast", "axis"}},
    Form{"Dropout", dropout, {"ratio", "seed", "is_test"}},
    Form{"Elu", elu, {"alpha"}},
    Form{"Erf", as_it_is},
    Form{"Exp", as_it_is},
    Form{"HardSigmoid", hard_sigmoid, {"alpha", "beta"}},
    Form{"Identity", as_it_is},
    Form{"LeakyRelu", leaky_relu, {"alpha"}},
    Form{"Log", as_it_is},
    Form{"Mul", pair, {"broadcast", "axis"}},
    Form{"Neg", as_it_is},
    Form{"PRelu", slope},
    Form{"Pow", power, {"broadcast", "axis"}},
    Form{"Relu", as_it_is},
    Form{"Selu", selu, {"alpha", "gamma"}},
    Form{"Sigmoid", as_it_is},
    Form{"Softplus", as_it_is},
    Form{"Sqrt", as_it_is},
    Form{"Sub", pair, {"broadcast", "axis"}},
    Form{"Tanh", as_it_is},
};

}  // namespace

std::span<const Form> elementwise_forms() { return kForms; }

}  // namespace tamis::engine
