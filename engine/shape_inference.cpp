// infer_node_shapes of graph.hpp: one short function per operator. Cold path.
#include <algorithm>
#include <array>

#include "engine/graph.hpp"
#include "engine/recurrent_form.hpp"
#include "engine/window.hpp"

namespace tamis::engine {

namespace {

using ShapeResult = tl::expected<Shape, std::string>;

// What a rule sees: the node, its value inputs' shapes and its weights.
struct Inspection {
    const Graph& graph;
    const Node& node;
    const ValueShapes& known;

    [[nodiscard]] const Shape* value(std::size_t input) const {
        if (input >= node.inputs.size()) return nullptr;
        const auto found = known.find(node.inputs[input]);
        return found == known.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const Shape* weight(std::size_t input) const {
        if (input >= node.inputs.size()) return nullptr;
        const auto found = graph.weights.find(node.inputs[input]);
        return found == graph.weights.end() ? nullptr : &found->second.shape;
    }
};

ShapeResult refuse(std::string message) { return tl::unexpected(std::move(message)); }

ShapeResult dense_shape(const Inspection& at, bool transposed) {
    const Shape* x = at.value(0);
    const Shape* w = at.weight(1);
    if (x == nullptr || w == nullptr) {
        return refuse("the first input must be a value and the second a weight");
    }
    if (x->rank() != 1 || w->rank() != 2) {
        return refuse("input row " + x->text() + " with weight " + w->text() +
                      " (unsupported); supported is a row [in] with a weight of two dimensions");
    }
    const std::int64_t in = transposed ? (*w)[1] : (*w)[0];
    const std::int64_t out = transposed ? (*w)[0] : (*w)[1];
    if ((*x)[0] != in) {
        return refuse("input row " + x->text() + " does not fit the weight " + w->text());
    }
    return Shape{out};
}

ShapeResult gemm_shape(const Inspection& at) {
    if (at.node.integer("transA", 0) != 0) {
        return refuse("transA = 1 would mix the events of a batch; supported is transA = 0");
    }
    if (at.node.inputs.size() < 2 || at.node.inputs.size() > 3) {
        return refuse("needs a value, a weight and at most one bias");
    }
    auto shape = dense_shape(at, at.node.integer("transB", 0) != 0);
    if (shape && at.node.inputs.size() == 3) {
        const Shape* bias = at.weight(2);
        if (bias == nullptr || *bias != *shape) {
            return refuse("the bias must be a weight of shape " + shape->text());
        }
    }
    return shape;
}

ShapeResult matmul_shape(const Inspection& at) {
    if (at.node.inputs.size() != 2) return refuse("needs a value and a weight");
    return dense_shape(at, false);
}

ShapeResult arithmetic_shape(const Inspection& at) {
    if (at.node.inputs.size() != 2) return refuse("needs two inputs");
    std::array<const Shape*, 2> sides{};
    for (std::size_t i = 0; i < 2; ++i) {
        sides.at(i) = at.value(i) != nullptr ? at.value(i) : at.weight(i);
    }
    if (at.value(0) == nullptr && at.value(1) == nullptr) {
        return refuse("both inputs are weights (unsupported); fold them into one");
    }
    const auto fits = [](const Shape& large, const Shape& small) {
        if (small.rank() > large.rank()) return false;
        const std::size_t offset = large.rank() - small.rank();
        for (std::size_t axis = 0; axis < small.rank(); ++axis) {
            if (small[axis] != 1 && small[axis] != large[axis + offset]) return false;
        }
        return true;
    };
    // A value row may only be repeated within its own rank: [3] against [3, 4] would shift the
    // batch dimension.
    for (std::size_t large = 0; large < 2; ++large) {
        const std::size_t small = 1 - large;
        if (at.value(large) == nullptr || !fits(*sides.at(large), *sides.at(small))) continue;
        if (at.value(small) != nullptr && sides[0]->rank() != sides[1]->rank()) continue;
        return *sides.at(large);
    }
    return refuse("shapes " + sides[0]->text() + " and " + sides[1]->text() +
                  " do not fit; one side must have the shape of the result");
}

ShapeResult conv_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    const Shape* w = at.weight(1);
    if (x == nullptr || w == nullptr || at.node.inputs.size() > 3) {
        return refuse("needs a value, a weight and at most one bias");
    }
    if (x->rank() < 2 || x->rank() > 3 || w->rank() != x->rank() + 1) {
        return refuse("input row " + x->text() + " with weight " + w->text() +
                      " (unsupported); supported are convolutions in one or two dimensions");
    }
    auto window = read_window(at.node, x->rank() - 1);
    if (!window) return refuse(window.error());
    const std::int64_t groups = at.node.integer("group", 1);
    const std::int64_t channels = (*x)[0];
    if (groups < 1 || channels % groups != 0 || (*w)[0] % groups != 0 ||
        (*w)[1] != channels / groups) {
        return refuse("weight " + w->text() + " does not fit " + std::to_string(channels) +
                      " input channels in " + std::to_string(groups) + " groups");
    }
    for (std::size_t axis = 0; axis < window->kernel.size(); ++axis) {
        if (window->kernel[axis] != (*w)[axis + 2]) {
            return refuse("kernel_shape does not match the weight " + w->text());
        }
    }
    if (at.node.inputs.size() == 3) {
        const Shape* bias = at.weight(2);
        if (bias == nullptr || *bias != Shape{(*w)[0]}) {
            return refuse("the bias must be a weight with one value per output channel");
        }
    }
    return windowed_shape(*window, *x, (*w)[0]);
}

ShapeResult pool_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || at.node.inputs.size() != 1 || x->rank() < 2 || x->rank() > 3) {
        return refuse("needs one value with rows [channels, width] or [channels, height, width]");
    }
    auto window = read_window(at.node, x->rank() - 1);
    if (!window) return refuse(window.error());
    if (std::ranges::any_of(window->dilations, [](std::int64_t d) { return d != 1; })) {
        return refuse("dilations other than 1 are not supported in pooling");
    }
    return windowed_shape(*window, *x, (*x)[0]);
}

ShapeResult normalisation_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || at.node.inputs.size() != 5) {
        return refuse("needs a value, scale, shift, mean and variance");
    }
    for (std::size_t input = 1; input < 5; ++input) {
        const Shape* weight = at.weight(input);
        if (weight == nullptr || *weight != Shape{(*x)[0]}) {
            return refuse("scale, shift, mean and variance must be weights of shape [" +
                          std::to_string((*x)[0]) + "]");
        }
    }
    if (!(at.node.real("epsilon", 1e-5F) > 0.F)) return refuse("epsilon must be above 0");
    return *x;
}

ShapeResult same_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || at.node.inputs.size() != 1) return refuse("needs one value");
    return *x;
}

ShapeResult leaky_relu_shape(const Inspection& at) {
    const float alpha = at.node.real("alpha", 0.01F);
    if (!(alpha >= 0.F)) return refuse("alpha must be 0 or above");
    return same_shape(at);
}

ShapeResult dropout_shape(const Inspection& at) {
    const float ratio = at.node.real("ratio", 0.5F);
    if (!(ratio >= 0.F && ratio < 1.F)) return refuse("ratio must lie in [0, 1)");
    return same_shape(at);
}

ShapeResult softmax_shape(const Inspection& at) {
    auto shape = same_shape(at);
    const std::int64_t axis = at.node.integer("axis", 1);
    if (shape && (axis < 1 || axis > static_cast<std::int64_t>(shape->rank()))) {
        return refuse("axis " + std::to_string(axis) +
                      " (out of range); the batch is dimension 0, an axis of the row is needed");
    }
    return shape;
}

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
    if (target->rank() == 0 || target->element_count() != shape->element_count()) {
        return refuse("a row of shape " + shape->text() + " cannot become " + target->text());
    }
    return target;
}

ShapeResult concat_shape(const Inspection& at) {
    const Shape* first = at.value(0);
    if (first == nullptr) return refuse("needs values, not weights");
    const std::int64_t axis = at.node.integer("axis", 1) - 1;
    if (axis < 0 || axis >= static_cast<std::int64_t>(first->rank())) {
        return refuse("axis out of range; an axis of the row is needed, the batch is dimension 0");
    }
    std::vector<std::int64_t> joined(first->dimensions().begin(), first->dimensions().end());
    for (std::size_t input = 1; input < at.node.inputs.size(); ++input) {
        const Shape* next = at.value(input);
        if (next == nullptr || next->rank() != first->rank()) {
            return refuse("inputs must be values of the same rank");
        }
        for (std::size_t k = 0; k < joined.size(); ++k) {
            if (static_cast<std::int64_t>(k) == axis) {
                joined[k] += (*next)[k];
            } else if (joined[k] != (*next)[k]) {
                return refuse("rows " + first->text() + " and " + next->text() +
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
        return refuse("perm must order all dimensions and leave the batch (0) first");
    }
    std::vector<std::int64_t> dimensions;
    for (std::size_t k = 1; k < perm.size(); ++k) {
        dimensions.push_back((*shape)[static_cast<std::size_t>(perm[k] - 1)]);
    }
    return Shape::make(dimensions);
}

// These have more outputs than a rule gives; infer_node_shapes asks for all of them.
ShapeResult recurrent_shape(const Inspection& at) {
    auto shapes = recurrent_shapes(at.graph, at.node, at.known);
    if (!shapes) return refuse(shapes.error());
    return (*shapes)[0];
}

struct Rule {
    std::string_view op;
    ShapeResult (*shape)(const Inspection&);
};

// The list of operators. One entry here, one lowering (layer_plan), one reference
// (reference_network).
constexpr std::array kRules = {
    Rule{"Add", arithmetic_shape},
    Rule{"AveragePool", pool_shape},
    Rule{"Concat", concat_shape},
    Rule{"Conv", conv_shape},
    Rule{"Dropout", dropout_shape},
    Rule{"Flatten", flatten_shape},
    Rule{"Gemm", gemm_shape},
    Rule{"Identity", same_shape},
    Rule{"MatMul", matmul_shape},
    Rule{"MaxPool", pool_shape},
    Rule{"Mul", arithmetic_shape},
    Rule{"Relu", same_shape},
    Rule{"Reshape", reshape_shape},
    Rule{"LeakyRelu", leaky_relu_shape},
    Rule{"Sigmoid", same_shape},
    Rule{"Softmax", softmax_shape},
    Rule{"Tanh", same_shape},
    Rule{"Transpose", transpose_shape},
    Rule{"BatchNormalization", normalisation_shape},
    Rule{"LSTM", recurrent_shape},
    Rule{"GRU", recurrent_shape},
};

}  // namespace

tl::expected<std::vector<Shape>, std::string> infer_node_shapes(const Graph& graph,
                                                                const Node& node,
                                                                const ValueShapes& known) {
    const auto rule = std::ranges::find(kRules, std::string_view(node.op), &Rule::op);
    if (rule == kRules.end()) {
        return tl::unexpected("operator not supported; supported are " + supported_operators());
    }
    for (const std::string& input : node.inputs) {
        if (!known.contains(input) && !graph.weights.contains(input)) {
            return tl::unexpected("reads \"" + input + "\", which nothing before it defines");
        }
    }
    if (is_recurrent(node)) return recurrent_shapes(graph, node, known);
    auto shape = rule->shape(Inspection{graph, node, known});
    if (!shape) return tl::unexpected(shape.error());
    if (node.outputs.size() != 1) {
        return tl::unexpected("has " + std::to_string(node.outputs.size()) +
                              " outputs (unsupported); this operator has exactly one");
    }
    return std::vector<Shape>{std::move(*shape)};
}

std::string supported_operators() {
    std::string list;
    for (const Rule& rule : kRules) list += (list.empty() ? "" : ", ") + std::string(rule.op);
    return list;
}

bool is_supported_operator(std::string_view op) {
    return std::ranges::find(kRules, op, &Rule::op) != kRules.end();
}

}  // namespace tamis::engine
