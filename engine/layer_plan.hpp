// A checked graph as a list of layers with integer value ids: what inference, training and
// evaluation are emitted from. Activations that directly follow a dense or convolution layer are
// part of it. Plain data, cold path.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "engine/graph.hpp"
#include "engine/recurrent_form.hpp"
#include "engine/window.hpp"

namespace tamis::engine {

struct Activation {
    enum class Kind { relu, tanh, sigmoid } kind = Kind::relu;
    float negative_slope = 0.F;  // of Relu: LeakyRelu's alpha
    bool operator==(const Activation&) const = default;
};

struct DenseLayer {
    std::string kernel;
    std::string bias;          // empty: none
    bool units_first = false;  // kernel [units, in] instead of [in, units]
    std::optional<Activation> activation;
};

struct ConvolutionLayer {
    std::string kernel;  // [filters, channels / groups, ...]
    std::string bias;    // empty: none
    Window window;
    std::int64_t groups = 1;
    std::optional<Activation> activation;
};

struct PoolLayer {
    enum class Kind { max, average_of_inside, average_with_padding } kind = Kind::max;
    Window window;
};

struct NormalisationLayer {
    std::string scale, shift, mean, variance;
    float epsilon = 1e-5F;
    float momentum = 0.9F;  // running = momentum * running + (1 - momentum) * batch
};

struct ActivationLayer {
    Activation activation;
};

struct SoftmaxLayer {
    int axis = 1;
};

// Addition or multiplication; the second side is a value (then weight is empty) or a weight,
// possibly repeated.
struct ArithmeticLayer {
    enum class Kind { add, multiply } kind = Kind::add;
    std::string weight;
};

struct ConcatLayer {
    int axis = 1;
};

struct TransposeLayer {
    std::vector<int> perm;  // of all dimensions, batch first
};

struct ReshapeLayer {};  // Flatten, Reshape, Identity: the output's shape says it all

struct DropoutLayer {
    float ratio = 0.5F;
};

using LayerSpec = std::variant<DenseLayer, ConvolutionLayer, PoolLayer, NormalisationLayer,
                               ActivationLayer, SoftmaxLayer, ArithmeticLayer, ConcatLayer,
                               TransposeLayer, ReshapeLayer, DropoutLayer, RecurrentLayer>;

struct PlanLayer {
    std::string name;  // "hidden (Gemm)": for messages
    LayerSpec spec;
    std::vector<int> inputs;   // value ids; of Add and Mul the side with the result's shape first
    std::vector<int> outputs;  // value ids
};

struct LayerPlan {
    std::vector<Shape> value_shapes;  // row shape by value id
    std::vector<int> inputs;          // value ids, in the graph's order
    std::vector<int> outputs;
    std::vector<PlanLayer> layers;
    std::uint64_t multiply_adds = 0;  // per row
};

// Error: as check_graph, and weights that are not finite, naming the weight.
[[nodiscard]] tl::expected<LayerPlan, std::string> plan_layers(const Graph& graph);

}  // namespace tamis::engine
