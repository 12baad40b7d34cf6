#include "engine/graph_passes.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace tamis::engine {

namespace {

std::size_t reader_count(const Graph& graph, const std::string& value) {
    std::size_t count = 0;
    for (const Node& node : graph.nodes) {
        count += static_cast<std::size_t>(std::ranges::count(node.inputs, value));
    }
    // An output of the network is read by the caller.
    return count + static_cast<std::size_t>(std::ranges::count(graph.outputs, value));
}

Node* producer_of(Graph& graph, const std::string& value) {
    const auto found = std::ranges::find_if(graph.nodes, [&](const Node& node) {
        return !node.outputs.empty() && node.outputs[0] == value;
    });
    return found == graph.nodes.end() ? nullptr : &*found;
}

std::string fresh_weight_name(const Graph& graph, const std::string& wanted) {
    std::string name = wanted;
    while (graph.weights.contains(name)) name += "'";
    return name;
}

// Of row vectors with a weight. Stacks of matrices have their units elsewhere.
bool is_dense(const Graph& graph, const ValueShapes& shapes, const Node& node) {
    if (node.op != "MatMul") return node.op == "Gemm";
    const auto row = shapes.find(node.inputs[0]);
    return row != shapes.end() && row->second.rank() == 1 && graph.weights.contains(node.inputs[1]);
}

// Names of values do not change their shapes under these rewrites.
ValueShapes shapes_of(const Graph& graph) {
    auto shapes = check_graph(graph);
    return shapes ? std::move(*shapes) : ValueShapes{};
}

std::int64_t unit_count(const Graph& graph, const Node& node) {
    const Shape& weight = graph.weights.at(node.inputs[1]).shape;
    const bool first = node.op == "Conv" || node.integer("transB", 0) != 0;
    return first ? weight[0] : weight[1];
}

// Per channel: y = factor * x + offset.
struct ChannelMap {
    std::vector<double> factor;
    std::vector<double> offset;
};

ChannelMap channel_map(const Graph& graph, const Node& normalisation) {
    const auto weight = [&](std::size_t input) -> const FloatBuffer& {
        return graph.weights.at(normalisation.inputs[input]).values;
    };
    const double epsilon = normalisation.real("epsilon", 1e-5F);
    ChannelMap map;
    for (std::size_t c = 0; c < weight(1).size(); ++c) {
        const double factor = weight(1)[c] / std::sqrt(weight(4)[c] + epsilon);
        map.factor.push_back(factor);
        map.offset.push_back(weight(2)[c] - weight(3)[c] * factor);
    }
    return map;
}

std::vector<double> bias_of(const Graph& graph, const Node& node) {
    if (node.inputs.size() < 3) {
        return std::vector<double>(static_cast<std::size_t>(unit_count(graph, node)), 0.0);
    }
    const FloatBuffer& bias = graph.weights.at(node.inputs[2]).values;
    return {bias.begin(), bias.end()};
}

// Gives the layer its own copies of changed weights; a MatMul thereby becomes a Gemm.
void replace_weights(Graph& graph, Node& node, Tensor kernel, const std::vector<double>& bias) {
    const Shape bias_shape{static_cast<std::int64_t>(bias.size())};
    Tensor bias_tensor{bias_shape};
    std::ranges::transform(bias, bias_tensor.values.begin(),
                           [](double value) { return static_cast<float>(value); });
    const std::string kernel_name = fresh_weight_name(graph, node.inputs[1] + "/folded");
    graph.weights[kernel_name] = std::move(kernel);
    const std::string bias_name = fresh_weight_name(graph, node.inputs[1] + "/folded_bias");
    graph.weights[bias_name] = std::move(bias_tensor);
    node.inputs = {node.inputs[0], kernel_name, bias_name};
    if (node.op == "MatMul") node.op = "Gemm";
}

// Dense weights as in-unit pairs whatever their order in memory.
std::size_t dense_index(const Shape& shape, bool transposed, std::size_t in, std::size_t unit) {
    return transposed ? unit * static_cast<std::size_t>(shape[1]) + in
                      : in * static_cast<std::size_t>(shape[1]) + unit;
}

void fold_after(Graph& graph, Node& layer, const ChannelMap& map) {
    Tensor kernel = graph.weights.at(layer.inputs[1]);
    std::vector<double> bias = bias_of(graph, layer);
    const std::size_t units = bias.size();
    const std::size_t ins = kernel.values.size() / units;
    const bool unit_first = layer.op == "Conv" || layer.integer("transB", 0) != 0;
    for (std::size_t unit = 0; unit < units; ++unit) {
        for (std::size_t in = 0; in < ins; ++in) {
            float& value = kernel.values[unit_first ? unit * ins + in : in * units + unit];
            value = static_cast<float>(value * map.factor[unit]);
        }
        bias[unit] = bias[unit] * map.factor[unit] + map.offset[unit];
    }
    replace_weights(graph, layer, std::move(kernel), bias);
}

void fold_before(Graph& graph, Node& dense, const ChannelMap& map) {
    Tensor kernel = graph.weights.at(dense.inputs[1]);
    std::vector<double> bias = bias_of(graph, dense);
    const bool transposed = dense.integer("transB", 0) != 0;
    for (std::size_t in = 0; in < map.factor.size(); ++in) {
        for (std::size_t unit = 0; unit < bias.size(); ++unit) {
            float& value = kernel.values[dense_index(kernel.shape, transposed, in, unit)];
            bias[unit] += map.offset[in] * value;
            value = static_cast<float>(value * map.factor[in]);
        }
    }
    replace_weights(graph, dense, std::move(kernel), bias);
}

// Removes a node of one input and one output; its readers read the input instead.
void bypass(Graph& graph, std::size_t index) {
    const std::string from = graph.nodes[index].outputs[0];
    const std::string to = graph.nodes[index].inputs[0];
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index));
    for (Node& node : graph.nodes) std::ranges::replace(node.inputs, from, to);
}

// Removes a node and lets its producer write the node's output, which may be an output of the
// network.
void absorb_into_producer(Graph& graph, std::size_t index, Node& producer) {
    producer.outputs[0] = graph.nodes[index].outputs[0];
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index));
}

bool try_fold(Graph& graph, const ValueShapes& shapes, std::size_t index) {
    const Node& node = graph.nodes[index];
    const ChannelMap map = channel_map(graph, node);
    Node* before = producer_of(graph, node.inputs[0]);
    if (before != nullptr && (is_dense(graph, shapes, *before) || before->op == "Conv") &&
        reader_count(graph, node.inputs[0]) == 1) {
        fold_after(graph, *before, map);
        absorb_into_producer(graph, index, *before);
        return true;
    }
    const auto reader = std::ranges::find_if(graph.nodes, [&](const Node& other) {
        return !other.inputs.empty() && other.inputs[0] == node.outputs[0];
    });
    if (reader != graph.nodes.end() && is_dense(graph, shapes, *reader) &&
        reader_count(graph, node.outputs[0]) == 1) {
        fold_before(graph, *reader, map);
        bypass(graph, index);
        return true;
    }
    return false;
}

}  // namespace

void join_matmul_and_bias(Graph& graph) {
    const ValueShapes shapes = shapes_of(graph);
    for (std::size_t i = 0; i < graph.nodes.size();) {
        const Node& add = graph.nodes[i];
        const std::size_t value_side =
            add.op == "Add" && graph.weights.contains(add.inputs[0]) ? 1 : 0;
        Node* product = add.op == "Add" ? producer_of(graph, add.inputs[value_side]) : nullptr;
        const auto bias =
            add.op == "Add" ? graph.weights.find(add.inputs[1 - value_side]) : graph.weights.end();
        if (product == nullptr || product->op != "MatMul" || !is_dense(graph, shapes, *product) ||
            bias == graph.weights.end() || reader_count(graph, product->outputs[0]) != 1 ||
            bias->second.shape != Shape{unit_count(graph, *product)}) {
            ++i;
            continue;
        }
        product->op = "Gemm";
        product->inputs.push_back(bias->first);
        absorb_into_producer(graph, i, *product);
    }
}

void fold_gemm_factors(Graph& graph) {
    for (Node& node : graph.nodes) {
        const float alpha = node.real("alpha", 1.F);
        const float beta = node.real("beta", 1.F);
        if (node.op != "Gemm" || (alpha == 1.F && beta == 1.F)) continue;
        Tensor kernel = graph.weights.at(node.inputs[1]);
        std::vector<double> bias = bias_of(graph, node);
        for (float& value : kernel.values) value *= alpha;
        for (double& value : bias) value *= beta;
        replace_weights(graph, node, std::move(kernel), bias);
        node.attributes.erase("alpha");
        node.attributes.erase("beta");
    }
}

void fold_batch_normalisation(Graph& graph) {
    const ValueShapes shapes = shapes_of(graph);
    for (std::size_t i = 0; i < graph.nodes.size();) {
        if (graph.nodes[i].op != "BatchNormalization" || !try_fold(graph, shapes, i)) ++i;
    }
}

void spell_out_batch_normalisation(Graph& graph) {
    const ValueShapes shapes = shapes_of(graph);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        if (graph.nodes[i].op != "BatchNormalization") continue;
        const Node normalisation = graph.nodes[i];
        const ChannelMap map = channel_map(graph, normalisation);
        // One value a channel, repeated over the axes behind it.
        std::vector<std::int64_t> dimensions(shapes.at(normalisation.inputs[0]).rank(), 1);
        dimensions[0] = static_cast<std::int64_t>(map.factor.size());
        const auto add_weight = [&](const std::string& part, const std::vector<double>& values) {
            const std::string name = fresh_weight_name(graph, normalisation.outputs[0] + part);
            graph.weights.emplace(name, Tensor(Shape::make(dimensions).value(),
                                               std::vector<float>(values.begin(), values.end())));
            return name;
        };
        std::string scaled = normalisation.outputs[0] + "/scaled";
        while (shapes.contains(scaled)) scaled += "'";
        Node multiply{normalisation.name + "/factor",
                      "Mul",
                      {normalisation.inputs[0], add_weight("/factor", map.factor)},
                      {scaled},
                      {}};
        graph.nodes[i] = {normalisation.name,
                          "Add",
                          {scaled, add_weight("/offset", map.offset)},
                          {normalisation.outputs[0]},
                          {}};
        graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i++),
                           std::move(multiply));
    }
    drop_unread_weights(graph);
}

void drop_nodes(Graph& graph, const std::string& op) {
    for (std::size_t i = 0; i < graph.nodes.size();) {
        Node& node = graph.nodes[i];
        if (node.op != op) {
            ++i;
            continue;
        }
        const bool is_output =
            std::ranges::find(graph.outputs, node.outputs[0]) != graph.outputs.end();
        Node* producer = producer_of(graph, node.inputs[0]);
        if (!is_output) {
            bypass(graph, i);
        } else if (producer != nullptr && reader_count(graph, node.inputs[0]) == 1) {
            absorb_into_producer(graph, i, *producer);
        } else {
            node.op = "Identity";
            node.attributes.clear();
            ++i;
        }
    }
}

void drop_unread_weights(Graph& graph) {
    std::set<std::string> read;
    for (const Node& node : graph.nodes) read.insert(node.inputs.begin(), node.inputs.end());
    const auto unread = [&](const auto& entry) { return !read.contains(entry.first); };
    std::erase_if(graph.integer_types, [&](const auto& entry) {
        return unread(entry) && graph.weights.contains(entry.first);
    });
    std::erase_if(graph.weights, unread);
}

Graph prepared_for_inference(Graph graph) {
    drop_nodes(graph, "Dropout");
    drop_nodes(graph, "Identity");
    join_matmul_and_bias(graph);
    fold_gemm_factors(graph);
    fold_batch_normalisation(graph);
    drop_unread_weights(graph);
    return graph;
}

}  // namespace tamis::engine
