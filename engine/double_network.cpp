#include "engine/double_network.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <map>
#include <utility>

#include "engine/graph_passes.hpp"

namespace tamis::engine {

namespace {

// 32 MiB for 64 rows.
constexpr std::size_t kMaxRowValues = 65'536;
// Rows that go through the layers together: their values stay in the first-level cache, and it is a
// multiple of what the kernels take at once.
constexpr std::size_t kRowsAtOnce = 8;
// Floats of a cache line.
constexpr std::size_t kLineFloats = kAlignmentBytes / sizeof(float);

double activated(const Activation& activation, double x) {
    switch (activation.kind) {
        case Activation::Kind::relu:
            return x < 0 ? activation.negative_slope * x : x;
        case Activation::Kind::tanh:
            return std::tanh(x);
        case Activation::Kind::sigmoid:
            return 1 / (1 + std::exp(-x));
    }
    return x;
}

bool is_plain_relu(const std::optional<Activation>& activation) {
    return activation == Activation{};
}

}  // namespace

// Turns layers into calls of the kernels.
class DoubleNetworkMaker {
 public:
    DoubleNetworkMaker(DoubleNetwork& network, const Graph& graph, const LayerPlan& plan)
        : network_(network), graph_(graph), plan_(plan) {}

    tl::expected<void, std::string> make() {
        if (auto checked = check(); !checked) return checked;
        network_.input_ = port_of(plan_.inputs[0], graph_.inputs[0].name);
        columns_[plan_.inputs[0]] = take_columns(network_.input_.row_size);
        std::vector<bool> done(plan_.layers.size(), false);
        for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
            const PlanLayer& layer = plan_.layers[i];
            if (std::holds_alternative<ReshapeLayer>(layer.spec)) {
                columns_[layer.outputs[0]] = columns_.at(layer.inputs[0]);
            } else if (!done[i]) {
                add(siblings_of(i, done));
            }
        }
        for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
            network_.outputs_.push_back(port_of(plan_.outputs[i], graph_.outputs[i]));
            network_.output_columns_.push_back(columns_.at(plan_.outputs[i]));
        }
        return {};
    }

 private:
    [[nodiscard]] std::size_t width_of(int value) const {
        return plan_.value_shapes[static_cast<std::size_t>(value)].element_count();
    }

    [[nodiscard]] NetworkPort port_of(int value, std::string name) const {
        return {std::move(name), plan_.value_shapes[static_cast<std::size_t>(value)],
                width_of(value)};
    }

    [[nodiscard]] tl::expected<void, std::string> check() const {
        if (plan_.inputs.size() != 1) {
            return tl::unexpected(std::to_string(plan_.inputs.size()) +
                                  " inputs (unsupported in double precision); it needs one");
        }
        for (const PlanLayer& layer : plan_.layers) {
            if (!std::holds_alternative<DenseLayer>(layer.spec) &&
                !std::holds_alternative<ReshapeLayer>(layer.spec)) {
                return tl::unexpected("layer " + layer.name +
                                      " (unsupported in double precision); supported are dense "
                                      "layers, each with at most one of Relu, LeakyRelu, Tanh and "
                                      "Sigmoid behind it");
            }
        }
        std::size_t row_values = 0;
        for (const Shape& shape : plan_.value_shapes) {
            if (shape.rank() != 1) {
                return tl::unexpected("a value of shape " + shape.text() +
                                      " (unsupported in double precision); it needs vectors");
            }
            row_values += padded_doubles(shape.element_count());
        }
        if (row_values > kMaxRowValues) {
            return tl::unexpected(std::to_string(row_values) +
                                  " values a row (unsupported in double precision); at most " +
                                  std::to_string(kMaxRowValues) + " are");
        }
        return {};
    }

    std::size_t take_columns(std::size_t width) {
        return std::exchange(network_.row_values_, network_.row_values_ + padded_doubles(width));
    }

    [[nodiscard]] const DenseLayer& dense(std::size_t layer) const {
        return std::get<DenseLayer>(plan_.layers[layer].spec);
    }

    // Dense layers of the same input and activation: columns of one layer.
    std::vector<std::size_t> siblings_of(std::size_t first, std::vector<bool>& done) const {
        std::vector<std::size_t> siblings;
        for (std::size_t i = first; i < plan_.layers.size(); ++i) {
            const auto* other = std::get_if<DenseLayer>(&plan_.layers[i].spec);
            if (other != nullptr && plan_.layers[i].inputs == plan_.layers[first].inputs &&
                other->activation == dense(first).activation) {
                siblings.push_back(i);
                done[i] = true;
            }
        }
        return siblings;
    }

    void add(const std::vector<std::size_t>& siblings) {
        const int input = plan_.layers[siblings.front()].inputs[0];
        DoubleNetwork::Layer layer{.first_input = columns_.at(input),
                                   .input_count = width_of(input),
                                   .weights_at = network_.weights_.size(),
                                   .activation = dense(siblings.front()).activation};
        for (const std::size_t sibling : siblings) {
            layer.units += width_of(plan_.layers[sibling].outputs[0]);
        }
        layer.first_result = take_columns(layer.units);
        // The next layer starts at a cache line.
        const std::size_t floats = (layer.input_count + 1) * padded_doubles(layer.units);
        network_.weights_.resize(layer.weights_at +
                                 (floats + kLineFloats - 1) / kLineFloats * kLineFloats);
        std::size_t unit = 0;
        for (const std::size_t sibling : siblings) {
            const int output = plan_.layers[sibling].outputs[0];
            columns_[output] = layer.first_result + unit;
            pack(dense(sibling), layer, unit);
            unit += width_of(output);
        }
        network_.layers_.push_back(layer);
    }

    void pack(const DenseLayer& from, const DoubleNetwork::Layer& layer, std::size_t first_unit) {
        const std::size_t stride = padded_doubles(layer.units);
        float* to = network_.weights_.data() + layer.weights_at + first_unit;
        if (!from.bias.empty()) std::ranges::copy(graph_.weights.at(from.bias).values, to);
        const FloatBuffer& kernel = graph_.weights.at(from.kernel).values;
        const std::size_t inputs = layer.input_count;
        const std::size_t units = kernel.size() / inputs;
        for (std::size_t in = 0; in < inputs; ++in) {
            for (std::size_t unit = 0; unit < units; ++unit) {
                to[(in + 1) * stride + unit] =
                    kernel[from.units_first ? unit * inputs + in : in * units + unit];
            }
        }
    }

    DoubleNetwork& network_;
    const Graph& graph_;
    const LayerPlan& plan_;
    std::map<int, std::size_t> columns_;  // by value: where it lies in a row
};

tl::expected<std::shared_ptr<const DoubleNetwork>, std::string> DoubleNetwork::compile(
    const Graph& graph) {
    if (auto checked = check_graph(graph); !checked) return tl::unexpected(checked.error());
    const Graph prepared = prepared_for_inference(graph);
    const auto plan = plan_layers(prepared);
    if (!plan) return tl::unexpected(plan.error());
    std::shared_ptr<DoubleNetwork> network(new DoubleNetwork());  // NOLINT: private constructor
    auto made = DoubleNetworkMaker(*network, prepared, *plan).make();
    if (!made) return tl::unexpected("network \"" + graph.name + "\" has " + made.error());
    return network;
}

DoubleRunner::DoubleRunner(std::shared_ptr<const DoubleNetwork> network, std::size_t max_rows)
    : network_(std::move(network)),
      max_rows_(max_rows),
      inputs_(max_rows * network_->input_.row_size),
      values_(max_rows * network_->row_values_) {}

std::span<float> DoubleRunner::input(std::size_t row) noexcept {
    Expects(row < max_rows_);
    const std::size_t size = network_->input_.row_size;
    return std::span(inputs_).subspan(row * size, size);
}

std::span<const double> DoubleRunner::output(std::size_t port, std::size_t row) const noexcept {
    Expects(row < max_rows_);
    return std::span(values_).subspan(row * network_->row_values_ + network_->output_columns_[port],
                                      network_->outputs_[port].row_size);
}

void DoubleRunner::run(std::size_t rows) noexcept {
    Expects(rows <= max_rows_);
    for (std::size_t row = 0; row < rows; ++row) {
        std::ranges::copy(input(row), values_.data() + row * network_->row_values_);
    }
    for (std::size_t first = 0; first < rows; first += kRowsAtOnce) {
        for (const DoubleNetwork::Layer& layer : network_->layers_) {
            run_layer(layer, first, std::min(kRowsAtOnce, rows - first));
        }
    }
}

void DoubleRunner::run_layer(const DoubleNetwork::Layer& layer, std::size_t first,
                             std::size_t rows) noexcept {
    const std::size_t stride = network_->row_values_;
    double* block = values_.data() + first * stride;
    double* results = block + layer.first_result;
    const bool relu = is_plain_relu(layer.activation);
    network_->kernels_.dense(
        {.activation = relu ? DoubleLayerCall::Activation::relu : DoubleLayerCall::Activation::none,
         .weights = network_->weights_.data() + layer.weights_at,
         .units = padded_doubles(layer.units),
         .inputs = block + layer.first_input,
         .input_count = layer.input_count,
         .results = results,
         .stride = stride,
         .rows = rows});
    if (relu || !layer.activation) return;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t unit = 0; unit < layer.units; ++unit) {
            double& value = results[row * stride + unit];
            value = activated(*layer.activation, value);
        }
    }
}

bool DoubleRunner::row_is_finite(std::size_t row) const noexcept {
    Expects(row < max_rows_);
    return network_->kernels_.all_finite(values_.data() + row * network_->row_values_,
                                         network_->row_values_);
}

}  // namespace tamis::engine
