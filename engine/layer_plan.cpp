#include "engine/layer_plan.hpp"

#include <algorithm>
#include <gsl/assert>
#include <map>

namespace tamis::engine {

namespace {

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
        const auto shape_of = [&](int id) {
            return plan_.value_shapes[static_cast<std::size_t>(id)];
        };
        if (std::holds_alternative<ArithmeticLayer>(layer.spec) && layer.inputs.size() == 2 &&
            shape_of(layer.inputs[0]) != shape_of(layer.outputs[0])) {
            std::swap(layer.inputs[0], layer.inputs[1]);
        }
        count_multiply_adds(layer);
        plan_.layers.push_back(std::move(layer));
    }

    LayerSpec spec_of(const Node& node, std::string& output) {
        if (node.op == "Gemm" || node.op == "MatMul") {
            DenseLayer dense{
                node.inputs[1], weight_or_none(node, 2), node.integer("transB", 0) != 0, {}};
            dense.activation = absorb_activation(node, output);
            return dense;
        }
        if (node.op == "Conv") {
            const std::size_t spatial = shapes_.at(node.inputs[0]).rank() - 1;
            ConvolutionLayer convolution{node.inputs[1],
                                         weight_or_none(node, 2),
                                         *read_window(node, spatial),
                                         node.integer("group", 1),
                                         {}};
            convolution.activation = absorb_activation(node, output);
            return convolution;
        }
        if (const auto activation = activation_of(node)) return ActivationLayer{*activation};
        if (node.op == "MaxPool" || node.op == "AveragePool") return pool_of(node);
        if (node.op == "BatchNormalization") {
            return NormalisationLayer{node.inputs[1],
                                      node.inputs[2],
                                      node.inputs[3],
                                      node.inputs[4],
                                      node.real("epsilon", 1e-5F),
                                      node.real("momentum", 0.9F)};
        }
        if (is_recurrent(node)) return recurrent_layer(node);
        if (node.op == "Softmax") return SoftmaxLayer{static_cast<int>(node.integer("axis", 1))};
        if (node.op == "Concat") return ConcatLayer{static_cast<int>(node.integer("axis", 1))};
        if (node.op == "Dropout") return DropoutLayer{node.real("ratio", 0.5F)};
        if (node.op == "Transpose") {
            const std::vector<std::int64_t> perm = node.integers("perm");
            return TransposeLayer{{perm.begin(), perm.end()}};
        }
        if (node.op == "Add" || node.op == "Mul") {
            ArithmeticLayer arithmetic{
                node.op == "Add" ? ArithmeticLayer::Kind::add : ArithmeticLayer::Kind::multiply,
                {}};
            for (const std::string& input : node.inputs) {
                if (graph_.weights.contains(input)) arithmetic.weight = input;
            }
            return arithmetic;
        }
        Expects(node.op == "Flatten" || node.op == "Reshape" || node.op == "Identity");
        return ReshapeLayer{};
    }

    PoolLayer pool_of(const Node& node) {
        const std::size_t spatial = shapes_.at(node.inputs[0]).rank() - 1;
        PoolLayer pool{PoolLayer::Kind::max, *read_window(node, spatial)};
        if (node.op == "AveragePool") {
            pool.kind = node.integer("count_include_pad", 0) != 0
                            ? PoolLayer::Kind::average_with_padding
                            : PoolLayer::Kind::average_of_inside;
        }
        return pool;
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
        }
    }

    const Graph& graph_;
    const ValueShapes& shapes_;
    LayerPlan plan_;
    std::map<std::string, int> ids_;
    std::map<std::size_t, bool> absorbed_;
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
    return Lowering(graph, *shapes).lower();
}

}  // namespace tamis::engine
