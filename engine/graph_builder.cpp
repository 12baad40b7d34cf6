#include "engine/graph_builder.hpp"

#include <gsl/assert>
#include <numeric>

namespace tamis::engine {

GraphBuilder::GraphBuilder(std::string name, std::uint64_t seed) : seed_(seed) {
    graph_.name = std::move(name);
}

GraphValue GraphBuilder::input(const std::string& name, Shape row_shape) {
    Expects(!shapes_.contains(name) && row_shape.rank() >= 1);
    shapes_[name] = row_shape;
    graph_.inputs.push_back({name, std::move(row_shape)});
    return {name};
}

void GraphBuilder::output(const GraphValue& value, const std::string& name) {
    Expects(shapes_.contains(value.name));
    append(Node{name, "Identity", {value.name}, {name}, {}});
    graph_.outputs.push_back(name);
}

GraphValue GraphBuilder::dense(const GraphValue& x, std::int64_t units, const std::string& name,
                               const DenseOptions& options) {
    Expects(shape(x).rank() == 1);
    const std::int64_t in = shape(x)[0];
    Tensor kernel{Shape{in, units}};
    Tensor bias{Shape{units}};
    initialise(kernel, options.kernel, in, units, seed_, name + "/kernel");
    initialise(bias, options.bias, in, units, seed_, name + "/bias");
    return append(Node{name,
                       "Gemm",
                       {x.name, add_weights(name + "/kernel", std::move(kernel)),
                        add_weights(name + "/bias", std::move(bias))},
                       {name + "/out"},
                       {}});
}

RecurrentValues GraphBuilder::lstm(const GraphValue& x, std::int64_t hidden,
                                   const std::string& name, const RecurrentOptions& options) {
    return recurrence({name, "LSTM", {}, {name + "/out", name + "/last", name + "/last_cell"}, {}},
                      x, 4, hidden, options);
}

RecurrentValues GraphBuilder::gru(const GraphValue& x, std::int64_t hidden, const std::string& name,
                                  const RecurrentOptions& options) {
    Node node{name, "GRU", {}, {name + "/out", name + "/last"}, {}};
    node.attributes["linear_before_reset"] = std::int64_t{options.linear_before_reset ? 1 : 0};
    return recurrence(std::move(node), x, 3, hidden, options);
}

RecurrentValues GraphBuilder::recurrence(Node node, const GraphValue& x, std::int64_t gates,
                                         std::int64_t hidden, const RecurrentOptions& options) {
    using Direction = RecurrentOptions::Direction;
    const Shape& row = shape(x);
    Expects(row.rank() >= 2);
    const std::int64_t in = row[row.rank() - 1];
    const std::int64_t directions = options.direction == Direction::bidirectional ? 2 : 1;
    Tensor kernel{Shape{directions, gates * hidden, in}};
    Tensor recurrence{Shape{directions, gates * hidden, hidden}};
    initialise(kernel, Initialiser::glorot_uniform, in, hidden, seed_, node.name + "/kernel");
    initialise(recurrence, Initialiser::glorot_uniform, hidden, hidden, seed_,
               node.name + "/recurrence");
    node.inputs = {x.name, add_weights(node.name + "/kernel", std::move(kernel)),
                   add_weights(node.name + "/recurrence", std::move(recurrence)),
                   add_weights(node.name + "/bias", Tensor{Shape{directions, 2 * gates * hidden}})};
    node.attributes["hidden_size"] = hidden;
    node.attributes["direction"] =
        std::string(options.direction == Direction::forward   ? "forward"
                    : options.direction == Direction::reverse ? "reverse"
                                                              : "bidirectional");
    node.attributes["with"] = std::string("B");
    const GraphValue last{node.outputs[1]};
    return {append(std::move(node)), last};
}

GraphValue GraphBuilder::convolution(const GraphValue& x, std::int64_t filters,
                                     const std::string& name, const ConvolutionOptions& options) {
    const Shape& row = shape(x);
    const std::size_t spatial = options.kernel.size();
    Expects(row.rank() == spatial + 1 && row[0] % options.groups == 0);
    std::vector<std::int64_t> strides = options.strides;
    if (strides.empty()) strides.assign(spatial, 1);
    Expects(strides.size() == spatial);
    std::vector<std::int64_t> pads(2 * spatial, 0);
    if (options.padding == ConvolutionOptions::Padding::same) {
        for (std::size_t axis = 0; axis < spatial; ++axis) {
            const std::int64_t in = row[axis + 1];
            const std::int64_t out = (in + strides[axis] - 1) / strides[axis];
            const std::int64_t total =
                std::max<std::int64_t>(0, (out - 1) * strides[axis] + options.kernel[axis] - in);
            pads[axis] = total / 2;
            pads[axis + spatial] = total - total / 2;
        }
    }
    std::vector<std::int64_t> dimensions{filters, row[0] / options.groups};
    dimensions.insert(dimensions.end(), options.kernel.begin(), options.kernel.end());
    auto weight_shape = Shape::make(dimensions);
    Expects(weight_shape.has_value());
    const std::int64_t field = std::accumulate(options.kernel.begin(), options.kernel.end(),
                                               std::int64_t{1}, std::multiplies<>());
    Tensor kernel{*weight_shape};
    initialise(kernel, options.weights, field * dimensions[1], field * filters, seed_,
               name + "/kernel");
    return append(Node{name,
                       "Conv",
                       {x.name, add_weights(name + "/kernel", std::move(kernel)),
                        add_weights(name + "/bias", Tensor{Shape{filters}})},
                       {name + "/out"},
                       {{"kernel_shape", options.kernel},
                        {"strides", strides},
                        {"pads", pads},
                        {"dilations", std::vector<std::int64_t>(spatial, 1)},
                        {"group", options.groups}}});
}

GraphValue GraphBuilder::batch_norm(const GraphValue& x, const std::string& name, float epsilon,
                                    float momentum) {
    const Shape channels{shape(x)[0]};
    const Tensor zeros{channels};
    Tensor ones{channels};
    ones.values.assign(ones.values.size(), 1.F);
    return append(Node{
        name,
        "BatchNormalization",
        {x.name, add_weights(name + "/gamma", ones), add_weights(name + "/beta", zeros),
         add_weights(name + "/moving_mean", zeros), add_weights(name + "/moving_variance", ones)},
        {name + "/out"},
        {{"epsilon", epsilon}, {"momentum", momentum}}});
}

GraphValue GraphBuilder::pool(const std::string& op, const GraphValue& x,
                              const PoolOptions& options) {
    const std::vector<std::int64_t>& strides =
        options.strides.empty() ? options.kernel : options.strides;
    std::map<std::string, Attribute> attributes{
        {"kernel_shape", options.kernel},
        {"strides", strides},
        {"pads", std::vector<std::int64_t>(2 * options.kernel.size(), 0)}};
    if (op == "AveragePool") attributes["count_include_pad"] = std::int64_t{0};
    return apply(op, {x.name}, std::move(attributes));
}

GraphValue GraphBuilder::max_pool(const GraphValue& x, const PoolOptions& options) {
    return pool("MaxPool", x, options);
}

GraphValue GraphBuilder::average_pool(const GraphValue& x, const PoolOptions& options) {
    return pool("AveragePool", x, options);
}

GraphValue GraphBuilder::relu(const GraphValue& x) { return apply("Relu", {x.name}); }

GraphValue GraphBuilder::leaky_relu(const GraphValue& x, float alpha) {
    return apply("LeakyRelu", {x.name}, {{"alpha", alpha}});
}

GraphValue GraphBuilder::tanh(const GraphValue& x) { return apply("Tanh", {x.name}); }

GraphValue GraphBuilder::sigmoid(const GraphValue& x) { return apply("Sigmoid", {x.name}); }

GraphValue GraphBuilder::softmax(const GraphValue& x) {
    return apply("Softmax", {x.name}, {{"axis", static_cast<std::int64_t>(shape(x).rank())}});
}

GraphValue GraphBuilder::dropout(const GraphValue& x, float ratio) {
    return apply("Dropout", {x.name}, {{"ratio", ratio}});
}

GraphValue GraphBuilder::flatten(const GraphValue& x) { return apply("Flatten", {x.name}); }

GraphValue GraphBuilder::reshape(const GraphValue& x, const Shape& row_shape) {
    const auto dimensions = row_shape.dimensions();
    return apply("Reshape", {x.name},
                 {{"shape", std::vector<std::int64_t>(dimensions.begin(), dimensions.end())}});
}

GraphValue GraphBuilder::concat(const std::vector<GraphValue>& parts) {
    std::vector<std::string> names;
    names.reserve(parts.size());
    for (const GraphValue& part : parts) names.push_back(part.name);
    return apply("Concat", std::move(names), {{"axis", std::int64_t{1}}});
}

GraphValue GraphBuilder::transpose(const GraphValue& x, std::vector<std::int64_t> perm) {
    return apply("Transpose", {x.name}, {{"perm", std::move(perm)}});
}

GraphValue GraphBuilder::add(const GraphValue& x, const GraphValue& y) {
    return apply("Add", {x.name, y.name});
}

GraphValue GraphBuilder::multiply(const GraphValue& x, const GraphValue& y) {
    return apply("Mul", {x.name, y.name});
}

GraphValue GraphBuilder::add_weight(const GraphValue& x, const std::string& name, Tensor weight) {
    return apply("Add", {x.name, add_weights(name, std::move(weight))});
}

GraphValue GraphBuilder::multiply_weight(const GraphValue& x, const std::string& name,
                                         Tensor weight) {
    return apply("Mul", {x.name, add_weights(name, std::move(weight))});
}

const Shape& GraphBuilder::shape(const GraphValue& value) const {
    const auto found = shapes_.find(value.name);
    Expects(found != shapes_.end());
    return found->second;
}

Graph GraphBuilder::build() {
    Ensures(check_graph(graph_).has_value());
    return graph_;
}

GraphValue GraphBuilder::append(Node node) {
    auto shapes = infer_node_shapes(graph_, node, shapes_);
    Expects(shapes.has_value() && !shapes_.contains(node.outputs[0]));
    GraphValue value{node.outputs[0]};
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        shapes_[node.outputs[i]] = std::move((*shapes)[i]);
    }
    graph_.nodes.push_back(std::move(node));
    return value;
}

GraphValue GraphBuilder::apply(const std::string& op, std::vector<std::string> inputs,
                               std::map<std::string, Attribute> attributes) {
    return apply_to_many(op, std::move(inputs), std::move(attributes), 1)[0];
}

std::vector<GraphValue> GraphBuilder::apply_to_many(const std::string& op,
                                                    std::vector<std::string> inputs,
                                                    std::map<std::string, Attribute> attributes,
                                                    std::size_t outputs) {
    const std::string name = op + "_" + std::to_string(graph_.nodes.size());
    std::vector<std::string> names{name};
    while (names.size() < outputs) names.push_back(name + "/" + std::to_string(names.size()));
    append(Node{name, op, std::move(inputs), names, std::move(attributes)});
    std::vector<GraphValue> values;
    values.reserve(outputs);
    for (const std::string& output : names) values.push_back({output});
    return values;
}

std::string GraphBuilder::weight(const std::string& name, Tensor tensor, ElementType type) {
    if (type != ElementType::float32) graph_.integer_types[name] = type;
    return add_weights(name, std::move(tensor));
}

std::string GraphBuilder::add_weights(const std::string& name, Tensor tensor) {
    Expects(!graph_.weights.contains(name));
    graph_.weights[name] = std::move(tensor);
    return name;
}

}  // namespace tamis::engine
