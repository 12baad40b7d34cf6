#include "engine/onnx_normal_form.hpp"

#include <algorithm>
#include <array>

#include "engine/graph_passes.hpp"
#include "engine/recurrent_form.hpp"
#include "engine/recurrent_onnx.hpp"

namespace tamis::engine {

namespace {

using Result = tl::expected<void, std::string>;

tl::unexpected<std::string> refuse(std::string message) {
    return tl::unexpected(std::move(message));
}

// One node in the making, with all it may look at.
struct Rewrite {
    OnnxContent& content;
    const ValueShapes& shapes;
    Node& node;

    [[nodiscard]] const Shape* value(std::size_t input) const {
        if (input >= node.inputs.size()) return nullptr;
        const auto found = shapes.find(node.inputs[input]);
        return found == shapes.end() ? nullptr : &found->second;
    }
    [[nodiscard]] Tensor* weight(std::size_t input) const {
        if (input >= node.inputs.size()) return nullptr;
        const auto found = content.graph.weights.find(node.inputs[input]);
        return found == content.graph.weights.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const {
        const auto found = node.attributes.find(key);
        if (found == node.attributes.end()) return otherwise;
        const auto* value = std::get_if<std::string>(&found->second);
        return value == nullptr ? otherwise : *value;
    }
    // Lets this input read a weight of another shape with the same or repeated values.
    void reshape_weight(std::size_t input, Shape shape) const {
        const Tensor from = *weight(input);
        Tensor to{std::move(shape)};
        for (std::size_t i = 0; i < to.values.size(); ++i) {
            to.values[i] = from.values[i % from.values.size()];
        }
        std::string name = node.inputs[input] + "/row";
        while (content.graph.weights.contains(name) && content.graph.weights.at(name) != to) {
            name += "'";
        }
        content.graph.weights[name] = std::move(to);
        node.inputs[input] = name;
    }
};

// ---- one function per operator whose forms differ ----

Result gemm(Rewrite& at) {
    if (at.node.real("alpha", 1.F) == 1.F) at.node.attributes.erase("alpha");
    if (at.node.real("beta", 1.F) == 1.F) at.node.attributes.erase("beta");
    if (at.node.integer("transA", 0) == 0) at.node.attributes.erase("transA");
    if (at.node.integer("transB", 0) == 0) at.node.attributes.erase("transB");
    const Tensor* kernel = at.weight(1);
    const Tensor* bias = at.weight(2);
    if (kernel == nullptr || kernel->shape.rank() != 2 || bias == nullptr) return {};
    const Shape units{kernel->shape[at.node.integer("transB", 0) != 0 ? 0 : 1]};
    const std::size_t rank = bias->shape.rank();
    const bool one_value = bias->values.size() == 1;
    const bool one_row =
        rank == 2 && bias->shape[0] == 1 && bias->values.size() == units.element_count();
    if (bias->shape != units && rank <= 2 && (one_value || one_row)) at.reshape_weight(2, units);
    return {};
}

Result arithmetic(Rewrite& at) {
    for (std::size_t input = 0; input < 2; ++input) {
        const Tensor* weight = at.weight(input);
        const Shape* other = at.value(1 - input);
        if (weight == nullptr || other == nullptr) continue;
        const auto dimensions = weight->shape.dimensions();
        if (dimensions.size() == other->rank() + 1 && dimensions[0] == 1) {
            auto row = Shape::make(dimensions.subspan(1));
            if (!row) return refuse(row.error());
            at.reshape_weight(input, std::move(*row));
        }
    }
    return {};
}

// auto_pad becomes pads; missing attributes get their defaults.
Result explicit_window(Rewrite& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || x->rank() < 2) return refuse("needs rows [channels, ...]");
    const std::size_t spatial = x->rank() - 1;
    std::vector<std::int64_t> kernel = at.node.integers("kernel_shape");
    std::vector<std::int64_t> strides = at.node.integers("strides");
    std::vector<std::int64_t> dilations = at.node.integers("dilations");
    std::vector<std::int64_t> pads = at.node.integers("pads");
    if (strides.empty()) strides.assign(spatial, 1);
    if (dilations.empty()) dilations.assign(spatial, 1);
    const std::string how = at.text("auto_pad", "NOTSET");
    if (pads.empty() || how != "NOTSET") pads.assign(2 * spatial, 0);
    if (how == "SAME_UPPER" || how == "SAME_LOWER") {
        if (kernel.size() != spatial || strides.size() != spatial || dilations.size() != spatial) {
            return refuse("kernel_shape, strides or dilations of the wrong length");
        }
        for (std::size_t axis = 0; axis < spatial; ++axis) {
            const bool legal = strides[axis] >= 1 && strides[axis] <= kMaxDimension &&
                               kernel[axis] >= 1 && kernel[axis] <= kMaxDimension &&
                               dilations[axis] >= 1 && dilations[axis] <= kMaxDimension;
            if (!legal) return refuse("kernel_shape, strides or dilations out of range");
            const std::int64_t in = (*x)[axis + 1];
            const std::int64_t out = (in + strides[axis] - 1) / strides[axis];
            const std::int64_t reach = dilations[axis] * (kernel[axis] - 1) + 1;
            const std::int64_t total =
                std::max<std::int64_t>(0, (out - 1) * strides[axis] + reach - in);
            const std::int64_t smaller = total / 2;
            pads[axis] = how == "SAME_UPPER" ? smaller : total - smaller;
            pads[axis + spatial] = total - pads[axis];
        }
    } else if (how != "NOTSET" && how != "VALID") {
        return refuse("auto_pad \"" + how +
                      "\" is unknown; supported are NOTSET, VALID, SAME_UPPER and SAME_LOWER");
    }
    at.node.attributes["kernel_shape"] = std::move(kernel);
    at.node.attributes["strides"] = std::move(strides);
    at.node.attributes["dilations"] = std::move(dilations);
    at.node.attributes["pads"] = std::move(pads);
    at.node.attributes.erase("auto_pad");
    return {};
}

Result convolution(Rewrite& at) {
    const Tensor* kernel = at.weight(1);
    if (kernel == nullptr || kernel->shape.rank() < 3) {
        return refuse("needs a weight [filters, channels, ...] as its second input");
    }
    const auto dimensions = kernel->shape.dimensions().subspan(2);
    at.node.attributes.try_emplace("kernel_shape",
                                   std::vector<std::int64_t>(dimensions.begin(), dimensions.end()));
    at.node.attributes.try_emplace("group", std::int64_t{1});
    return explicit_window(at);
}

Result pool(Rewrite& at) {
    if (at.node.integer("ceil_mode", 0) != 0 || at.node.integer("storage_order", 0) != 0) {
        return refuse("ceil_mode and storage_order other than 0 are not supported");
    }
    at.node.attributes.erase("ceil_mode");
    at.node.attributes.erase("storage_order");
    if (auto done = explicit_window(at); !done) return done;
    const std::vector<std::int64_t> dilations = at.node.integers("dilations");
    if (std::ranges::any_of(dilations, [](std::int64_t d) { return d != 1; })) {
        return refuse("dilations other than 1 are not supported");
    }
    at.node.attributes.erase("dilations");
    if (at.node.op == "AveragePool") {
        at.node.attributes["count_include_pad"] = at.node.integer("count_include_pad", 0);
    }
    return {};
}

Result normalisation(Rewrite& at) {
    if (at.node.integer("spatial", 1) != 1 || at.node.integer("training_mode", 0) != 0) {
        return refuse("spatial = 0 and training_mode = 1 are not supported");
    }
    const float epsilon = at.node.real("epsilon", 1e-5F);
    const float momentum = at.node.real("momentum", 0.9F);
    at.node.attributes = {{"epsilon", epsilon}, {"momentum", momentum}};
    return {};
}

Result leaky_relu(Rewrite& at) {
    at.node.attributes["alpha"] = at.node.real("alpha", 0.01F);
    return {};
}

Result softmax(Rewrite& at) {
    const Shape* x = at.value(0);
    if (x == nullptr) return refuse("needs one value");
    const auto rank = static_cast<std::int64_t>(x->rank()) + 1;
    const bool per_axis = at.content.opset >= 13;
    std::int64_t axis = at.node.integer("axis", per_axis ? -1 : 1);
    if (axis < 0) axis += rank;
    // Before opset 13 all dimensions from axis on were taken together.
    if (!per_axis && axis != rank - 1) {
        return refuse("axis " + std::to_string(axis) + " of " + std::to_string(rank) +
                      " dimensions is not supported before opset 13; supported is the last one");
    }
    at.node.attributes["axis"] = axis;
    return {};
}

Result flatten(Rewrite& at) {
    const Shape* x = at.value(0);
    std::int64_t axis = at.node.integer("axis", 1);
    if (x != nullptr && axis < 0) axis += static_cast<std::int64_t>(x->rank()) + 1;
    // With a batch fixed to one, axis 0 gives the same matrix as axis 1.
    const bool single_row = axis == 0 && at.content.fixed_batch == 1;
    if (axis != 1 && !single_row) {
        return refuse("axis " + std::to_string(axis) +
                      " would mix the rows of a batch; supported is axis = 1");
    }
    at.node.attributes.clear();
    return {};
}

Result reshape(Rewrite& at) {
    const Shape* x = at.value(0);
    const auto target = at.node.inputs.size() == 2 ? at.content.integers.find(at.node.inputs[1])
                                                   : at.content.integers.end();
    if (x == nullptr || target == at.content.integers.end()) {
        return refuse("needs a value and a constant shape");
    }
    if (at.node.integer("allowzero", 0) != 0) return refuse("allowzero = 1 is not supported");
    const std::vector<std::int64_t>& shape = target->second;
    const bool free_batch = !shape.empty() && (shape[0] == 0 || shape[0] == -1);
    if (shape.size() < 2 || !(free_batch || shape[0] == at.content.fixed_batch)) {
        return refuse("the new shape must leave the batch first (0 or -1) and have a row");
    }
    std::vector<std::int64_t> row(shape.begin() + 1, shape.end());
    auto elements = static_cast<std::int64_t>(x->element_count());
    std::int64_t known = 1;
    std::int64_t* open = nullptr;
    for (std::size_t axis = 0; axis < row.size(); ++axis) {
        if (row[axis] == 0 && axis < x->rank()) row[axis] = (*x)[axis];
        if (row[axis] == -1 && open == nullptr) {
            open = &row[axis];
            continue;
        }
        if (row[axis] < 1 || row[axis] > kMaxDimension ||
            __builtin_mul_overflow(known, row[axis], &known)) {
            return refuse("the new shape has a dimension out of range");
        }
    }
    if (open != nullptr) {
        if (shape[0] == -1 || elements % known != 0) {
            return refuse("the open dimension (-1) of the new shape cannot be resolved");
        }
        *open = elements / known;
    }
    at.node.inputs.pop_back();
    at.node.attributes = {{"shape", std::move(row)}};
    return {};
}

Result concat(Rewrite& at) {
    const Shape* x = at.value(0);
    std::int64_t axis = at.node.integer("axis", 1);
    if (x != nullptr && axis < 0) axis += static_cast<std::int64_t>(x->rank()) + 1;
    at.node.attributes["axis"] = axis;
    return {};
}

Result dropout(Rewrite& at) {
    float ratio = at.node.real("ratio", 0.5F);
    if (at.node.inputs.size() > 1 && !at.node.inputs[1].empty()) {
        const Tensor* given = at.weight(1);
        if (given == nullptr || given->values.size() != 1)
            return refuse("ratio must be a constant");
        ratio = given->values[0];
    }
    if (at.node.inputs.empty()) return refuse("needs one value");
    at.node.inputs.resize(1);
    at.node.attributes = {{"ratio", ratio}};
    return {};
}

Result recurrence(Rewrite& at) {
    const Shape* x = at.value(0);
    if (x == nullptr) return refuse("needs a value");
    OnnxContent& content = at.content;
    return recurrence_in_normal_form(
        {content.graph, content.integers, content.opset, content.fixed_batch}, at.node, *x);
}

Result as_it_is(Rewrite&) { return {}; }

struct Form {
    std::string_view op;
    Result (*rewrite)(Rewrite&);
    std::array<std::string_view, 7> attributes;  // known ones; any other is refused
};

constexpr std::array kForms = {
    Form{"Add", arithmetic, {}},
    Form{"AveragePool",
         pool,
         {"auto_pad", "kernel_shape", "pads", "strides", "ceil_mode", "count_include_pad"}},
    Form{"BatchNormalization", normalisation, {"epsilon", "momentum", "spatial", "training_mode"}},
    Form{"Concat", concat, {"axis"}},
    Form{
        "Conv", convolution, {"auto_pad", "kernel_shape", "pads", "strides", "dilations", "group"}},
    Form{"Dropout", dropout, {"ratio", "seed"}},
    Form{"Flatten", flatten, {"axis"}},
    Form{"Gemm", gemm, {"alpha", "beta", "transA", "transB"}},
    Form{"GRU",
         recurrence,
         {"activations", "clip", "direction", "hidden_size", "layout", "linear_before_reset"}},
    Form{"Identity", as_it_is, {}},
    Form{"LSTM",
         recurrence,
         {"activations", "clip", "direction", "hidden_size", "input_forget", "layout"}},
    Form{"LeakyRelu", leaky_relu, {"alpha"}},
    Form{"MatMul", as_it_is, {}},
    Form{
        "MaxPool",
        pool,
        {"auto_pad", "kernel_shape", "pads", "strides", "ceil_mode", "storage_order", "dilations"}},
    Form{"Mul", arithmetic, {}},
    Form{"Relu", as_it_is, {}},
    Form{"Reshape", reshape, {"allowzero"}},
    Form{"Sigmoid", as_it_is, {}},
    Form{"Softmax", softmax, {"axis"}},
    Form{"Tanh", as_it_is, {}},
    Form{"Transpose", as_it_is, {"perm"}},
};

Result rewrite_node(Rewrite& at) {
    const auto form = std::ranges::find(kForms, std::string_view(at.node.op), &Form::op);
    if (form == kForms.end()) {
        return refuse("operator not supported; supported are " + supported_operators());
    }
    for (const auto& [name, value] : at.node.attributes) {
        if (std::ranges::find(form->attributes, name) == form->attributes.end()) {
            return refuse("attribute \"" + name + "\" is not supported here");
        }
    }
    while (!at.node.inputs.empty() && at.node.inputs.back().empty()) at.node.inputs.pop_back();
    return form->rewrite(at);
}

// Outputs that are optional and read by nobody (a dropout mask) disappear.
Result keep_one_output(const Graph& graph, Node& node) {
    if (is_recurrent(node)) return {};
    while (node.outputs.size() > 1) {
        const std::string& last = node.outputs.back();
        const auto reads = [&](const Node& other) {
            return std::ranges::find(other.inputs, last) != other.inputs.end();
        };
        const bool used =
            !last.empty() && (std::ranges::any_of(graph.nodes, reads) ||
                              std::ranges::find(graph.outputs, last) != graph.outputs.end());
        if (used) return refuse("its output \"" + last + "\" is not supported, only the first is");
        node.outputs.pop_back();
    }
    if (node.outputs.empty() || node.outputs[0].empty()) return refuse("has no output");
    return {};
}

}  // namespace

tl::expected<Graph, std::string> in_normal_form(OnnxContent content) {
    Graph& graph = content.graph;
    if (auto done = put_batch_first({graph, content.integers, content.opset, content.fixed_batch});
        !done) {
        return tl::unexpected(done.error());
    }
    ValueShapes shapes;
    for (const GraphInput& input : graph.inputs) shapes[input.name] = input.row_shape;
    for (Node& node : graph.nodes) {
        const auto located = [&](const std::string& why) {
            return tl::unexpected("node \"" + node.name + "\" (" + node.op + ", opset " +
                                  std::to_string(content.opset) + "): " + why);
        };
        if (auto done = keep_one_output(graph, node); !done) return located(done.error());
        Rewrite rewrite{content, shapes, node};
        if (auto done = rewrite_node(rewrite); !done) return located(done.error());
        auto inferred = infer_node_shapes(graph, node, shapes);
        if (!inferred) return located(inferred.error());
        for (std::size_t i = 0; i < node.outputs.size(); ++i) {
            shapes[node.outputs[i]] = std::move((*inferred)[i]);
        }
    }
    drop_unread_weights(graph);
    if (auto checked = check_graph(graph); !checked) return tl::unexpected(checked.error());
    return std::move(graph);
}

}  // namespace tamis::engine
