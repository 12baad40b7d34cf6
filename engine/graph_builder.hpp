// Describes a network in code, layer by layer; weights get their first values from the seed and
// their own names. Each call checks its shapes with Expects: a recipe that does not fit is a
// programmer's mistake. Cold path.
//
//   GraphBuilder net("classifier", seed);
//   auto x = net.input("x", {21});
//   auto h = net.relu(net.dense(x, 50, "hidden"));
//   net.output(net.dense(h, 1, "logit"), "score");
//   Graph graph = net.build();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "engine/initialiser.hpp"
#include "engine/window.hpp"

namespace tamis::engine {

// A value of the network under construction.
struct GraphValue {
    std::string name;
};

struct DenseOptions {
    Initialiser kernel = Initialiser::glorot_uniform;
    Initialiser bias = Initialiser::zero;
};

struct ConvolutionOptions {
    std::vector<std::int64_t> kernel = {};   // per spatial axis
    std::vector<std::int64_t> strides = {};  // empty: 1
    std::int64_t groups = 1;
    enum class Padding {
        same,
        valid
    } padding = Padding::same;  // Same: as Keras, output = input / stride
    Initialiser weights = Initialiser::glorot_uniform;
};

struct RecurrentOptions {
    enum class Direction { forward, reverse, bidirectional } direction = Direction::forward;
    bool linear_before_reset = true;  // of GRU; true: as Keras and PyTorch
};

struct RecurrentValues {
    GraphValue sequence;  // [..., steps, directions, hidden]
    GraphValue last;      // [..., directions, hidden]: the state at the end
};

struct PoolOptions {
    std::vector<std::int64_t> kernel = {};   // per spatial axis
    std::vector<std::int64_t> strides = {};  // empty: the kernel
};

class GraphBuilder {
 public:
    GraphBuilder(std::string name, std::uint64_t seed);

    // Rows of this shape; [channels, height, width] for images.
    GraphValue input(const std::string& name, Shape row_shape);
    void output(const GraphValue& value, const std::string& name);

    // x W + b with weights "<name>/kernel" [in, units] and "<name>/bias" [units]; x is a row
    // vector.
    GraphValue dense(const GraphValue& x, std::int64_t units, const std::string& name,
                     const DenseOptions& options = {});
    // Weights "<name>/kernel" [filters, channels / groups, ...] and "<name>/bias" [filters].
    GraphValue convolution(const GraphValue& x, std::int64_t filters, const std::string& name,
                           const ConvolutionOptions& options);
    // x: rows [..., steps, inputs]; weights "<name>/kernel", "/recurrence" and "/bias" in ONNX's
    // forms (recurrent_form.hpp).
    RecurrentValues lstm(const GraphValue& x, std::int64_t hidden, const std::string& name,
                         const RecurrentOptions& options = {});
    RecurrentValues gru(const GraphValue& x, std::int64_t hidden, const std::string& name,
                        const RecurrentOptions& options = {});
    // Over the first dimension of the row; weights "<name>/gamma", "/beta", "/moving_mean",
    // "/moving_variance".
    GraphValue batch_norm(const GraphValue& x, const std::string& name, float epsilon = 1e-3F,
                          float momentum = 0.99F);
    GraphValue max_pool(const GraphValue& x, const PoolOptions& options);
    GraphValue average_pool(const GraphValue& x, const PoolOptions& options);
    GraphValue relu(const GraphValue& x);
    GraphValue leaky_relu(const GraphValue& x, float alpha);
    GraphValue tanh(const GraphValue& x);
    GraphValue sigmoid(const GraphValue& x);
    GraphValue softmax(const GraphValue& x);  // over the last dimension
    GraphValue dropout(const GraphValue& x, float ratio);
    GraphValue flatten(const GraphValue& x);
    GraphValue reshape(const GraphValue& x, const Shape& row_shape);
    GraphValue concat(const std::vector<GraphValue>& parts);  // over the first dimension of the row
    GraphValue transpose(const GraphValue& x, std::vector<std::int64_t> perm);  // perm[0] = 0
    GraphValue add(const GraphValue& x, const GraphValue& y);
    GraphValue multiply(const GraphValue& x, const GraphValue& y);
    // With a constant that is repeated over the row as in ONNX; stored as weight "<name>" and
    // trained like one.
    GraphValue add_weight(const GraphValue& x, const std::string& name, Tensor weight);
    GraphValue multiply_weight(const GraphValue& x, const std::string& name, Tensor weight);

    // Any operator in its normal form of graph.hpp; inputs are names of values or weights.
    GraphValue apply(const std::string& op, std::vector<std::string> inputs,
                     std::map<std::string, Attribute> attributes = {});
    // The same for one of several outputs.
    std::vector<GraphValue> apply_to_many(const std::string& op, std::vector<std::string> inputs,
                                          std::map<std::string, Attribute> attributes,
                                          std::size_t outputs);
    std::string weight(const std::string& name, Tensor tensor,
                       ElementType type = ElementType::float32);

    [[nodiscard]] const Shape& shape(const GraphValue& value) const;
    [[nodiscard]] Graph build();

 private:
    GraphValue append(Node node);
    RecurrentValues recurrence(Node node, const GraphValue& x, std::int64_t gates,
                               std::int64_t hidden, const RecurrentOptions& options);
    GraphValue pool(const std::string& op, const GraphValue& x, const PoolOptions& options);
    std::string add_weights(const std::string& name, Tensor tensor);

    Graph graph_;
    ValueShapes shapes_;
    std::uint64_t seed_;
};

}  // namespace tamis::engine
