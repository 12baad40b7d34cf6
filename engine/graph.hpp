// A network as plain data: nodes, attributes, named weights. Reader, writer, builder, compiler,
// trainer and the reference evaluation share it. Any thread; it owns all it names.
//
// The first dimension of every value is the batch and is not written down: shapes here are shapes
// of one row. Operators have their ONNX names and the meaning of opset 13, with these normal forms
// (the reader brings older forms into them, check_graph refuses the rest):
//   Gemm(x, B[, C])      transA = 0; transB 0 or 1; alpha, beta; C has one value per output
//   MatMul(x, W)         W [in, out]
//   Add, Mul(x, y)       one side may be a weight; the smaller side is repeated as in ONNX
//   Conv(x, W[, b])      kernel_shape, strides, pads (begin..., end...), dilations, group: all
//   explicit BatchNormalization(x, scale, shift, mean, variance)   epsilon, momentum MaxPool,
//   AveragePool kernel_shape, strides, pads explicit; count_include_pad Relu, LeakyRelu(alpha),
//   Tanh, Sigmoid, Softmax(axis >= 1), Identity, Dropout(ratio, active in training only) Flatten (a
//   row becomes a vector), Reshape("shape": the new row shape), Concat(axis >= 1),
//   Transpose(perm[0] = 0) LSTM, GRU: recurrent_form.hpp
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "engine/tensor.hpp"

namespace tamis::engine {

using Attribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;

struct Node {
    std::string name;
    std::string op;
    std::vector<std::string> inputs;  // names of values or weights
    std::vector<std::string> outputs;
    std::map<std::string, Attribute> attributes;

    [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t otherwise) const;
    [[nodiscard]] float real(const std::string& key, float otherwise) const;
    [[nodiscard]] std::vector<std::int64_t> integers(const std::string& key) const;
    bool operator==(const Node&) const = default;
};

struct GraphInput {
    std::string name;
    Shape row_shape;  // without the batch dimension
    bool operator==(const GraphInput&) const = default;
};

struct Graph {
    std::string name;
    std::vector<GraphInput> inputs;
    std::vector<std::string> outputs;
    std::vector<Node> nodes;  // each after the nodes it reads
    std::map<std::string, Tensor>
        weights;  // by name; of BatchNormalization also the running statistics
    bool operator==(const Graph&) const = default;
};

// Row shape of every value by name (weights are not listed).
using ValueShapes = std::map<std::string, Shape>;

// Row shapes of the node's outputs. Error: an operator or form the engine does not have, a number
// of outputs it has not, or shapes that do not fit, saying what is supported.
[[nodiscard]] tl::expected<std::vector<Shape>, std::string> infer_node_shapes(
    const Graph& graph, const Node& node, const ValueShapes& known);

// Checks the whole graph and returns all shapes. Error also for unknown or twice defined names, for
// nodes out of order (a cycle has no order) and for more than 2^28 weights read by all nodes
// together.
[[nodiscard]] tl::expected<ValueShapes, std::string> check_graph(const Graph& graph);

// Sorts nodes so that each follows what it reads, keeping the given order where it can. Error: a
// cycle or a name nothing defines, naming the node.
[[nodiscard]] tl::expected<void, std::string> sort_nodes(Graph& graph);

// "Gemm, MatMul, ...": for messages.
[[nodiscard]] std::string supported_operators();
[[nodiscard]] bool is_supported_operator(std::string_view op);

}  // namespace tamis::engine
