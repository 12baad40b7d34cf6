#include "engine/layer_plan.hpp"

#include <algorithm>
#include <gsl/assert>
#include <map>

namespace tamis::engine {

namespace {

constexpr std::uint64_t kMaxListedPlaces = std::uint64_t{1} << 24;  // 128 MiB
constexpr std::uint64_t kMaxPooledValues = std::uint64_t{1} << 36;  // a minute per row

class Lowering {
 public:
    Lowering(const Graph& graph, const ValueShapes& shapes) : graph_(graph), shapes_(shapes) {
        for (const GraphInput& input : graph.inputs) plan_.inputs.push_back(id_of(input.name));
    }

    LayerPlan lower() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            if (!absorbed_[i]) lower_node(i);
        }
        for (const std::string& output : graph_.outputs) plan_.outputs.push_back(id_of(output));
        return std::move(plan_);
    }

 private:
    int id_of(const std::string& value) {
        const auto [found, added] =
            ids_.try_emplace(value, static_cast<int>(plan_.value_shapes.size()));
        if (added) plan_.value_shapes.push_back(shapes_.at(value));
        return found->second;
    }

    [[nodiscard]] std::string weight_or_none(const Node& node, std::size_t input) const {
        return input < node.inputs.size() ? node.inputs[input] : std::string();
    }

    static std::optional<Activation> activation_of(const Node& node) {
        if (node.op == "Relu") return Activation{Activation::Kind::relu, 0.F};
        if (node.op == "LeakyRelu") {
            return Activation{Activation::Kind::relu, node.real("alpha", 0.01F)};
        }
        if (node.op == "Tanh") return Activation{Activation::Kind::tanh, 0.F};
        if (node.op == "Sigmoid") return Activation{Activation::Kind::sigmoid, 0.F};
        return std::nullopt;
    }

    // The activation that is the only reader of this node's value, if that is so; it becomes part
    // of the layer.
    std::optional<Activation> absorb_activation(const Node& node, std::string& output) {
        if (std::ranges::find(graph_.outputs, output) != graph_.outputs.end()) return {};
        std::size_t readers = 0;
        std::size_t reader = 0;
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            const auto reads = std::ranges::count(graph_.nodes[i].inputs, node.outputs[0]);
            readers += static_cast<std::size_t>(reads);
            if (reads > 0) reader = i;
        }
        if (readers != 1) return {};
        const auto activation = activation_of(graph_.nodes[reader]);
        if (activation) {
            absorbed_[reader] = true;
            output = graph_.nodes[reader].outputs[0];
        }
        return activation;
    }

    void lower_node(std::size_t index) {
        const Node& node = graph_.nodes[index];
        PlanLayer layer;
        layer.name = node.name + " (" + node.op + ")";
        std::string output = node.outputs[0];
        layer.spec = spec_of(node, output);
        for (const std::string& input : node.inputs) {
            if (!graph_.weights.contains(input)) layer.inputs.push_back(id_of(input));
        }
        layer.outputs.push_back(id_of(output));
        for (std::size_t i = 1; i < node.outputs.size(); ++i) {
            layer.outputs.push_back(id_of(node.outputs[i]));
        }
        count_multiply_adds(layer);
        count_places(layer);
        plan_.layers.push_back(std::move(layer));
    }

    LayerSpec spec_of(const Node& node, std::string& output) {
        if (is_dense(node)) {
            DenseLayer dense{
                node.inputs[1], weight_or_none(node, 2), node.integer("transB", 0) != 0, {}};
            dense.activation = absorb_activation(node, output);
            return dense;
        }
        if (node.op == "Conv") {
            ConvolutionLayer convolution{node.inputs[1],
                                         weight_or_none(node, 2),
                                         window_of(node),
                                         node.integer("group", 1),
                                         {}};
            convolution.activation = absorb_activation(node, output);
            return convolution;
        }
        if (const auto activation = activation_of(node)) return ActivationLayer{*activation};
        if (is_recurrent(node)) return recurrent_layer(node);
        const auto found = kLowerings.find(node.op);
        Expects(found != kLowerings.end());
        return (this->*found->second)(node);
    }

    [[nodiscard]] bool is_dense(const Node& node) const {
        return node.op == "Gemm" ||
               (node.op == "MatMul" && graph_.weights.contains(node.inputs[1]) &&
                shapes_.at(node.inputs[0]).rank() == 1);
    }

    [[nodiscard]] Window window_of(const Node& node) const {
        return *read_window(node, shapes_.at(node.inputs[0]).rank() - 1);
    }

    static std::size_t axis_of(const Node& node) {
        return static_cast<std::size_t>(node.integer("axis", 1) - 1);
    }

    [[nodiscard]] std::array<std::string, 2> weight_sides(const Node& node) const {
        std::array<std::string, 2> weights;
        for (std::size_t i = 0; i < 2; ++i) {
            if (graph_.weights.contains(node.inputs[i])) weights.at(i) = node.inputs[i];
        }
        return weights;
    }

    [[nodiscard]] ByteRange range_of(const std::string& zero_point) const {
        const auto type = graph_.integer_types.find(zero_point);
        const bool is_signed =
            type != graph_.integer_types.end() && type->second == ElementType::int8;
        return is_signed ? ByteRange{-128.F, 127.F} : ByteRange{0.F, 255.F};
    }

    LayerSpec normalisation(const Node& node) {
        return NormalisationLayer{node.inputs[1],
                                  node.inputs[2],
                                  node.inputs[3],
                                  node.inputs[4],
                                  node.real("epsilon", 1e-5F),
                                  node.real("momentum", 0.9F)};
    }

    LayerSpec transposed_convolution(const Node& node) {
        return TransposedConvolutionLayer{node.inputs[1], weight_or_none(node, 2), window_of(node),
                                          node.integer("group", 1)};
    }

    LayerSpec softmax(const Node& node) {
        return SoftmaxLayer{static_cast<int>(node.integer("axis", 1))};
    }
    LayerSpec log_softmax(const Node& node) { return LogSoftmaxLayer{axis_of(node)}; }
    LayerSpec concat(const Node& node) {
        return ConcatLayer{static_cast<int>(node.integer("axis", 1))};
    }
    LayerSpec dropout(const Node& node) { return DropoutLayer{node.real("ratio", 0.5F)}; }
    LayerSpec transpose(const Node& node) {
        const std::vector<std::int64_t> perm = node.integers("perm");
        return TransposeLayer{{perm.begin(), perm.end()}};
    }
    LayerSpec reshape(const Node&) { return ReshapeLayer{}; }
    LayerSpec matmul(const Node& node) { return MatMulLayer{weight_sides(node)}; }
    LayerSpec movement(const Node& node) {
        return MovementLayer{*axis_maps_of(node, shapes_.at(node.inputs[0]))};
    }

    LayerSpec elementwise(const Node& node) {
        using Function = ElementwiseLayer::Function;
        static const std::map<std::string, Function> functions = {
            {"Exp", Function::exp},          {"Log", Function::log},
            {"Sqrt", Function::sqrt},        {"Erf", Function::erf},
            {"Abs", Function::abs},          {"Neg", Function::negate},
            {"Clip", Function::clip},        {"Elu", Function::elu},
            {"Selu", Function::selu},        {"HardSigmoid", Function::hard_sigmoid},
            {"Softplus", Function::softplus}};
        ElementwiseLayer layer{functions.at(node.op)};
        const bool is_clip = layer.function == Function::clip;
        layer.first = node.real(is_clip ? "min" : "alpha", 0.F);
        layer.second = node.real(is_clip ? "max" : node.op == "Selu" ? "gamma" : "beta", 0.F);
        return layer;
    }

    LayerSpec arithmetic(const Node& node) {
        using Kind = ArithmeticLayer::Kind;
        static const std::map<std::string, Kind> kinds = {
            {"Add", Kind::add},    {"Sub", Kind::subtract}, {"Mul", Kind::multiply},
            {"Div", Kind::divide}, {"Pow", Kind::power},    {"PRelu", Kind::slope}};
        return ArithmeticLayer{kinds.at(node.op), weight_sides(node)};
    }

    LayerSpec reduction(const Node& node) {
        using Kind = ReductionLayer::Kind;
        static const std::map<std::string, Kind> kinds = {
            {"ReduceSum", Kind::sum},
            {"ReduceMean", Kind::mean},
            {"ReduceMax", Kind::max},
            {"ReduceL2", Kind::l2},
            {"ReduceSumSquare", Kind::sum_of_squares}};
        ReductionLayer layer{kinds.at(node.op), {}};
        for (const std::int64_t axis : node.integers("axes")) {
            layer.axes.push_back(static_cast<std::size_t>(axis - 1));
        }
        return layer;
    }

    LayerSpec arg_max(const Node& node) {
        return ArgMaxLayer{axis_of(node), node.integer("select_last_index", 0) != 0
                                              ? ArgMaxLayer::Of::last
                                              : ArgMaxLayer::Of::first};
    }

    LayerSpec top_k(const Node& node) {
        return TopKLayer{axis_of(node), node.integer("largest", 1) != 0
                                            ? TopKLayer::Order::largest
                                            : TopKLayer::Order::smallest};
    }

    LayerSpec quantise(const Node& node) {
        return QuantiseLayer{node.op == "QuantizeLinear" ? QuantiseLayer::Direction::to_bytes
                                                         : QuantiseLayer::Direction::from_bytes,
                             {node.inputs[1], node.inputs[2]},
                             axis_of(node),
                             range_of(node.inputs[2])};
    }

    LayerSpec integer_product(const Node& node) {
        IntegerProductLayer layer;
        const bool quantised = node.op.starts_with("QLinear");
        layer.kernel = node.inputs[quantised ? 3 : 1];
        layer.source_zero = node.inputs[2];
        layer.kernel_zero = node.inputs[quantised ? 5 : 3];
        if (node.op.find("Conv") != std::string::npos) {
            layer.window = window_of(node);
            layer.groups = node.integer("group", 1);
        }
        if (quantised) {
            layer.result = IntegerProductLayer::Result{node.inputs[1],
                                                       node.inputs[4],
                                                       {node.inputs[6], node.inputs[7]},
                                                       range_of(node.inputs[7]),
                                                       weight_or_none(node, 8)};
        }
        return layer;
    }

    using Lower = LayerSpec (Lowering::*)(const Node&);
    static const std::map<std::string, Lower> kLowerings;

    LayerSpec pool(const Node& node) {
        PoolLayer layer{PoolLayer::Kind::max, window_of(node)};
        if (node.op == "AveragePool") {
            layer.kind = node.integer("count_include_pad", 0) != 0
                             ? PoolLayer::Kind::average_with_padding
                             : PoolLayer::Kind::average_of_inside;
        }
        return layer;
    }

    void count_multiply_adds(const PlanLayer& layer) {
        const Shape& out = plan_.value_shapes[static_cast<std::size_t>(layer.outputs[0])];
        if (const auto* dense = std::get_if<DenseLayer>(&layer.spec)) {
            plan_.multiply_adds += graph_.weights.at(dense->kernel).values.size();
        } else if (const auto* convolution = std::get_if<ConvolutionLayer>(&layer.spec)) {
            const std::size_t per_output = graph_.weights.at(convolution->kernel).values.size() /
                                           static_cast<std::size_t>(out[0]);
            plan_.multiply_adds += per_output * out.element_count();
        } else if (const auto* recurrent = std::get_if<RecurrentLayer>(&layer.spec)) {
            const Shape& in = plan_.value_shapes[static_cast<std::size_t>(layer.inputs[0])];
            plan_.multiply_adds += recurrent_multiply_adds(graph_, *recurrent, in);
        } else if (const auto* transposed = std::get_if<TransposedConvolutionLayer>(&layer.spec)) {
            const Shape& in = plan_.value_shapes[static_cast<std::size_t>(layer.inputs[0])];
            const std::size_t per_input = graph_.weights.at(transposed->kernel).values.size() /
                                          static_cast<std::size_t>(in[0]);
            plan_.multiply_adds += per_input * in.element_count();
        } else if (const auto* product = std::get_if<MatMulLayer>(&layer.spec)) {
            const Shape& left = product->weights[0].empty()
                                    ? plan_.value_shapes[static_cast<std::size_t>(layer.inputs[0])]
                                    : graph_.weights.at(product->weights[0]).shape;
            plan_.multiply_adds +=
                out.element_count() * static_cast<std::size_t>(left[left.rank() - 1]);
        }
    }

    // No more than one beyond the limit, so that sums do not overflow.
    static std::uint64_t times_window(std::uint64_t count, const Window& window,
                                      std::uint64_t limit) {
        for (const std::int64_t extent : window.kernel) {
            count = std::min(count * static_cast<std::uint64_t>(extent), limit + 1);
        }
        return count;
    }

    void count_places(const PlanLayer& layer) {
        const auto taps_at = [&](const Window& window, int value) {
            const Shape& row = plan_.value_shapes[static_cast<std::size_t>(value)];
            const std::size_t places = row.element_count() / static_cast<std::size_t>(row[0]);
            plan_.listed_places += times_window(places, window, kMaxListedPlaces);
        };
        if (const auto* transposed = std::get_if<TransposedConvolutionLayer>(&layer.spec)) {
            taps_at(transposed->window, layer.inputs[0]);
        } else if (const auto* product = std::get_if<IntegerProductLayer>(&layer.spec)) {
            if (product->window) taps_at(*product->window, layer.outputs[0]);
        } else if (const auto* pool = std::get_if<PoolLayer>(&layer.spec)) {
            const Shape& out = plan_.value_shapes[static_cast<std::size_t>(layer.outputs[0])];
            plan_.pooled_values +=
                times_window(out.element_count(), pool->window, kMaxPooledValues);
            if (pool->window.is_dilated()) taps_at(pool->window, layer.outputs[0]);
        } else if (const auto* movement = std::get_if<MovementLayer>(&layer.spec)) {
            for (const auto& axis : movement->maps.from) plan_.listed_places += axis.size();
        }
    }

    const Graph& graph_;
    const ValueShapes& shapes_;
    LayerPlan plan_;
    std::map<std::string, int> ids_;
    std::map<std::size_t, bool> absorbed_;
};

const std::map<std::string, Lowering::Lower> Lowering::kLowerings = {
    {"Abs", &Lowering::elementwise},
    {"Add", &Lowering::arithmetic},
    {"ArgMax", &Lowering::arg_max},
    {"AveragePool", &Lowering::pool},
    {"BatchNormalization", &Lowering::normalisation},
    {"Cast", &Lowering::reshape},
    {"Clip", &Lowering::elementwise},
    {"Concat", &Lowering::concat},
    {"ConvInteger", &Lowering::integer_product},
    {"ConvTranspose", &Lowering::transposed_convolution},
    {"DequantizeLinear", &Lowering::quantise},
    {"Div", &Lowering::arithmetic},
    {"Dropout", &Lowering::dropout},
    {"Elu", &Lowering::elementwise},
    {"Erf", &Lowering::elementwise},
    {"Exp", &Lowering::elementwise},
    {"Expand", &Lowering::movement},
    {"Flatten", &Lowering::reshape},
    {"Gather", &Lowering::movement},
    {"HardSigmoid", &Lowering::elementwise},
    {"Identity", &Lowering::reshape},
    {"Log", &Lowering::elementwise},
    {"LogSoftmax", &Lowering::log_softmax},
    {"MatMul", &Lowering::matmul},
    {"MatMulInteger", &Lowering::integer_product},
    {"MaxPool", &Lowering::pool},
    {"Mul", &Lowering::arithmetic},
    {"Neg", &Lowering::elementwise},
    {"PRelu", &Lowering::arithmetic},
    {"Pad", &Lowering::movement},
    {"Pow", &Lowering::arithmetic},
    {"QLinearConv", &Lowering::integer_product},
    {"QLinearMatMul", &Lowering::integer_product},
    {"QuantizeLinear", &Lowering::quantise},
    {"ReduceL2", &Lowering::reduction},
    {"ReduceMax", &Lowering::reduction},
    {"ReduceMean", &Lowering::reduction},
    {"ReduceSum", &Lowering::reduction},
    {"ReduceSumSquare", &Lowering::reduction},
    {"Reshape", &Lowering::reshape},
    {"Selu", &Lowering::elementwise},
    {"Slice", &Lowering::movement},
    {"Softmax", &Lowering::softmax},
    {"Softplus", &Lowering::elementwise},
    {"Sqrt", &Lowering::elementwise},
    {"Sub", &Lowering::arithmetic},
    {"TopK", &Lowering::top_k},
    {"Transpose", &Lowering::transpose},
};

}  // namespace

tl::expected<LayerPlan, std::string> plan_layers(const Graph& graph) {
    auto shapes = check_graph(graph);
    if (!shapes) return tl::unexpected(shapes.error());
    for (const auto& [name, tensor] : graph.weights) {
        if (!all_finite(tensor.values)) {
            return tl::unexpected("weight \"" + name +
                                  "\" holds NaN or Inf (unusable); every weight must be finite");
        }
    }
    LayerPlan plan = Lowering(graph, *shapes).lower();
    if (plan.pooled_values > kMaxPooledValues) {
        return tl::unexpected("poolings that read more than " + std::to_string(kMaxPooledValues) +
                              " values per row (too many); use fewer or smaller windows");
    }
    if (plan.listed_places > kMaxListedPlaces) {
        return tl::unexpected("windows and movements with more than " +
                              std::to_string(kMaxListedPlaces) +
                              " places in all (too many); use fewer or smaller layers");
    }
    return plan;
}

}  // namespace tamis::engine
