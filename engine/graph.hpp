// A network as plain data: nodes, attributes, named weights. Reader, writer, builder, compiler,
// trainer and the reference evaluation share it. Any thread; it owns all it names.
//
// The first dimension of every value is the batch and is not written down: shapes here are shapes
// of one row. Operators, normal forms, types: below. An axis counts with the batch: 1 is the first
// of the row.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "engine/tensor.hpp"

namespace tamis::engine {

// Operators have their ONNX names and the meaning of opset 13, with these normal forms (the reader
// brings older and other forms into them, check_graph refuses the rest). x, y: values of the
// network; W: a weight. Values that meet have the same rank; a weight may have a smaller one.
//   Gemm(x, W[, b])   rows [in]; transB 0 or 1; alpha, beta; b has one value per output
//   MatMul            two matrices, or stacks of them that are repeated as in ONNX; one side may be
//                     a weight; a row [in] takes a weight [in, out]
//   Add, Sub, Mul, Div, Pow, PRelu   one side may be a weight; repeated as in ONNX
//   Conv, ConvTranspose(x, W[, b])   kernel_shape, strides, pads (begin..., end...), dilations,
//                     group explicit; ConvTranspose also output_padding
//   MaxPool(dilations where not 1), AveragePool(count_include_pad)   kernel_shape, strides, pads
//                     explicit
//   BatchNormalization(x, scale, shift, mean, variance)   epsilon, momentum
//   Relu, LeakyRelu(alpha), Tanh, Sigmoid, Exp, Log, Sqrt, Erf, Abs, Neg, Softplus, Clip(min, max),
//   Elu(alpha), Selu(alpha, gamma), HardSigmoid(alpha, beta), Softmax, LogSoftmax(axis), Identity
//   Dropout(ratio)    active in training only
//   ReduceSum, ReduceMean, ReduceMax, ReduceL2, ReduceSumSquare(axes ascending, keepdims)
//   ArgMax(axis, keepdims, select_last_index), TopK(axis, k, largest): values and places
//   Flatten, Reshape(shape: of the new row), Concat(axis), Transpose(perm, perm[0] = 0)
//   Slice(axes, starts, ends, steps), Gather(axis, indices, indices_shape), Expand(shape: of the
//   row), Pad(pads: begin of each axis of the row, then ends; mode; value)
//   QuantizeLinear, DequantizeLinear(x, scale[, zero point]; axis), QLinearConv, QLinearMatMul,
//   ConvInteger, MatMulInteger: all but x are weights, zero points are always there
//   Cast              to float32
//   LSTM, GRU         recurrent_form.hpp
using Attribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;

// Integers are carried in floats, exactly up to 2^24; a sum of products beyond is rounded once.
enum class ElementType { float32, int64, int32, uint8, int8, boolean };

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
    std::map<std::string, ElementType> integer_types;  // inputs and weights that are no float32
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

// The element type of every value and weight. Error: an operator that does not take such a type.
[[nodiscard]] tl::expected<std::map<std::string, ElementType>, std::string> infer_element_types(
    const Graph& graph);

[[nodiscard]] std::string name_of(ElementType type);  // "uint8"

// Sorts nodes so that each follows what it reads, keeping the given order where it can. Error: a
// cycle or a name nothing defines, naming the node.
[[nodiscard]] tl::expected<void, std::string> sort_nodes(Graph& graph);

// "Gemm, MatMul, ...": for messages.
[[nodiscard]] std::string supported_operators();

}  // namespace tamis::engine
