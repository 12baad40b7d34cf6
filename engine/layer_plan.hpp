// A checked graph as a list of layers with integer value ids: what inference, training and
// evaluation are emitted from. Activations that directly follow a dense or convolution layer are
// part of it. Plain data, cold path.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "engine/axis_maps.hpp"
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

struct TransposedConvolutionLayer {
    std::string kernel;  // [channels, filters / groups, ...]
    std::string bias;    // empty: none
    Window window;
    std::int64_t groups = 1;
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

struct LogSoftmaxLayer {
    std::size_t axis = 0;  // of the row
};

// A function of one element, with at most two constants.
struct ElementwiseLayer {
    enum class Function {
        exp,
        log,
        sqrt,
        erf,
        abs,
        negate,
        clip,  // first..second
        elu,   // first: alpha
        selu,  // first: alpha, second: gamma
        hard_sigmoid,
        softplus
    } function = Function::exp;
    float first = 0.F;
    float second = 0.F;
};

// Two sides, repeated as in ONNX; each a value (then its weight is empty) or a weight.
struct ArithmeticLayer {
    enum class Kind { add, subtract, multiply, divide, power, slope } kind = Kind::add;
    std::array<std::string, 2> weights;
};

// Stacks of matrices; each side a value (then its weight is empty) or a weight.
struct MatMulLayer {
    std::array<std::string, 2> weights;
};

struct ReductionLayer {
    enum class Kind { sum, mean, max, l2, sum_of_squares } kind = Kind::sum;
    std::vector<std::size_t> axes;  // of the row
};

struct ArgMaxLayer {
    std::size_t axis = 0;                          // of the row
    enum class Of { first, last } of = Of::first;  // of several equal ones
};

struct TopKLayer {
    std::size_t axis = 0;  // of the row
    enum class Order { largest, smallest } order = Order::largest;
};

struct MovementLayer {
    AxisMaps maps;
};

// Integers of a byte with their scale and zero point, all names of weights.
struct Quantisation {
    std::string scale;
    std::string zero_point;
};

struct ByteRange {
    float low = 0.F;
    float high = 255.F;
};

struct QuantiseLayer {
    enum class Direction { to_bytes, from_bytes } direction = Direction::to_bytes;
    Quantisation by;
    std::size_t axis = 0;  // of the row: where there are several scales
    ByteRange range;
};

// A convolution, or without a window a product with a matrix, of bytes: the sum is exact.
struct IntegerProductLayer {
    std::string kernel;
    std::optional<Window> window;
    std::int64_t groups = 1;
    std::string source_zero;
    std::string kernel_zero;
    // QLinear forms: back to bytes.
    struct Result {
        std::string source_scale;
        std::string kernel_scale;
        Quantisation by;
        ByteRange range;
        std::string bias;  // empty: none
    };
    std::optional<Result> result;
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

using LayerSpec =
    std::variant<DenseLayer, ConvolutionLayer, TransposedConvolutionLayer, PoolLayer,
                 NormalisationLayer, ActivationLayer, ElementwiseLayer, SoftmaxLayer,
                 LogSoftmaxLayer, ArithmeticLayer, MatMulLayer, ReductionLayer, ArgMaxLayer,
                 TopKLayer, ConcatLayer, MovementLayer, TransposeLayer, ReshapeLayer, DropoutLayer,
                 QuantiseLayer, IntegerProductLayer, RecurrentLayer>;

struct PlanLayer {
    std::string name;  // "hidden (Gemm)": for messages
    LayerSpec spec;
    std::vector<int> inputs;   // value ids
    std::vector<int> outputs;  // value ids
};

struct LayerPlan {
    std::vector<Shape> value_shapes;  // row shape by value id
    std::vector<int> inputs;          // value ids, in the graph's order
    std::vector<int> outputs;
    std::vector<PlanLayer> layers;
    std::uint64_t multiply_adds = 0;  // per row
    std::uint64_t pooled_values = 0;  // read by all windows of poolings, per row
    std::uint64_t listed_places = 0;  // entries of the lists that plain loops walk, per program
};

// Error: as check_graph, weights that are not finite, naming the weight, and windows or movements
// whose lists would be too large.
[[nodiscard]] tl::expected<LayerPlan, std::string> plan_layers(const Graph& graph);

}  // namespace tamis::engine
