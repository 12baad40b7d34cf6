#include "engine/trainable_network.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/graph_builder.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

using test::NamedGraph;

constexpr std::size_t kRows = 5;

std::vector<std::vector<double>> float_rows(const Graph& graph) {
    std::vector<std::vector<double>> inputs;
    for (const GraphInput& input : graph.inputs) {
        inputs.push_back(
            test::random_rows(kRows * input.row_shape.element_count(), 70 + inputs.size()));
        for (double& value : inputs.back()) value = static_cast<float>(value);
    }
    return inputs;
}

std::unique_ptr<TrainableNetwork> trainable(const Graph& graph, bool input_gradients = true) {
    auto network = TrainableNetwork::create(graph, {kRows, input_gradients, 5});
    EXPECT_TRUE(network.has_value()) << (network ? "" : network.error());
    return network ? std::move(*network) : nullptr;
}

void write_inputs(TrainableNetwork& network, const std::vector<std::vector<double>>& inputs) {
    for (std::size_t port = 0; port < inputs.size(); ++port) {
        for (std::size_t i = 0; i < inputs[port].size(); ++i) {
            network.input(port)[i] = static_cast<float>(inputs[port][i]);
        }
    }
}

// A scalar of all outputs, sum of c * y, whose gradient by y is c.
std::vector<std::vector<double>> cotangents(const Graph& graph) {
    const auto shapes = check_graph(graph);
    std::vector<std::vector<double>> all;
    for (const std::string& output : graph.outputs) {
        all.push_back(
            test::random_rows(kRows * shapes->at(output).element_count(), 90 + all.size()));
    }
    return all;
}

double scalar(const Graph& graph, const std::vector<std::vector<double>>& inputs,
              const std::vector<std::vector<double>>& factors) {
    const auto outputs = evaluate_reference(graph, kRows, inputs, {.batch_statistics = true});
    EXPECT_TRUE(outputs.has_value());
    double sum = 0.0;
    for (std::size_t port = 0; port < factors.size(); ++port) {
        for (std::size_t i = 0; i < factors[port].size(); ++i) {
            sum += factors[port][i] * (*outputs)[port][i];
        }
    }
    return sum;
}

// ReLUs with one reader, with two, and one that is an output too: only the way back through the
// first may be a part of another layer's step.
Graph shared_relus() {
    GraphBuilder net("shared_relus", 5);
    const GraphValue x = net.input("x", {6});
    const GraphValue alone = net.leaky_relu(net.dense(x, 7, "alone"), 0.25F);
    const GraphValue read_twice = net.relu(net.dense(alone, 9, "read_twice"));
    const GraphValue left = net.dense(read_twice, 5, "left");
    const GraphValue right = net.relu(net.dense(read_twice, 5, "right"));
    net.output(right, "given_out");
    net.output(net.dense(net.concat({left, net.dense(right, 4, "after")}), 3, "end"), "end");
    return net.build();
}

std::vector<NamedGraph> networks_without_dropout() {
    std::vector<NamedGraph> all = test::layer_networks();
    std::erase_if(all, [](const NamedGraph& entry) { return entry.name == "dropout"; });
    all.push_back({"shared_relus", shared_relus()});
    all.push_back(test::dense_networks()[0]);
    all.push_back(test::dense_networks()[1]);
    all.push_back(test::convolution_networks()[3]);
    all.push_back(test::convolution_networks()[4]);
    for (NamedGraph& entry : all) test::roughen_weights(entry.graph, 23);
    return all;
}

// Forward and backward with these gradients of the outputs.
bool differentiate(TrainableNetwork& network, const std::vector<std::vector<double>>& inputs,
                   const std::vector<std::vector<double>>& factors) {
    write_inputs(network, inputs);
    if (!network.forward(kRows)) return false;
    for (std::size_t port = 0; port < factors.size(); ++port) {
        for (std::size_t i = 0; i < factors[port].size(); ++i) {
            network.output_gradient(port)[i] = static_cast<float>(factors[port][i]);
        }
    }
    return network.backward();
}

// Every n-th element, so that large weights stay affordable.
std::size_t stride_for(std::size_t count) { return count <= 12 ? 1 : count / 12 + 1; }

// One case per network: each stays short under sanitizers.
class Gradient : public testing::TestWithParam<NamedGraph> {};

TEST_P(Gradient, of_weights_agrees_with_finite_differences) {
    const Graph& graph = GetParam().graph;
    const auto network = trainable(graph, false);
    ASSERT_NE(network, nullptr);
    const auto inputs = float_rows(graph);
    const auto factors = cotangents(graph);
    ASSERT_TRUE(differentiate(*network, inputs, factors));
    for (const TrainableParameter& parameter : network->parameters()) {
        const std::size_t count = parameter.values.size();
        for (std::size_t i = 0; i < count; i += stride_for(count)) {
            Graph shifted = graph;
            float& value = shifted.weights.at(parameter.name).values[i];
            const float centre = value;
            constexpr float kStep = 2e-6F;  // small: a maximum or ReLU must not switch
            value = centre + kStep;
            const double up_at = value;
            const double up = scalar(shifted, inputs, factors);
            value = centre - kStep;
            const double slope = (up - scalar(shifted, inputs, factors)) / (up_at - value);
            EXPECT_NEAR(parameter.gradient[i], slope, 2e-4 * (1.0 + std::abs(slope)))
                << parameter.name << "[" << i << "]";
        }
    }
}

TEST_P(Gradient, of_inputs_agrees_with_finite_differences) {
    const Graph& graph = GetParam().graph;
    const auto network = trainable(graph, true);
    ASSERT_NE(network, nullptr);
    auto inputs = float_rows(graph);
    const auto factors = cotangents(graph);
    ASSERT_TRUE(differentiate(*network, inputs, factors));
    for (std::size_t port = 0; port < inputs.size(); ++port) {
        for (std::size_t i = 0; i < inputs[port].size(); i += stride_for(inputs[port].size())) {
            const double centre = inputs[port][i];
            constexpr double kStep = 1e-5;
            inputs[port][i] = centre + kStep;
            const double up = scalar(graph, inputs, factors);
            inputs[port][i] = centre - kStep;
            const double slope = (up - scalar(graph, inputs, factors)) / (2.0 * kStep);
            inputs[port][i] = centre;
            EXPECT_NEAR(network->input_gradient(port)[i], slope, 2e-4 * (1.0 + std::abs(slope)))
                << "input " << port << "[" << i << "]";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Layers, Gradient, testing::ValuesIn(networks_without_dropout()),
                         [](const auto& entry) { return entry.param.name; });

TEST(TrainableNetwork, refuses_to_go_back_through_a_layer_without_derivative) {
    for (const auto& [name, graph] : test::layers_without_derivative()) {
        SCOPED_TRACE(name);
        if (name == "top_k_places") continue;  // its values have one
        const auto refused = TrainableNetwork::create(graph, {kRows, true, 5});
        ASSERT_FALSE(refused.has_value());
        EXPECT_NE(refused.error().find("has no derivative"), std::string::npos) << refused.error();
    }
}

TEST(TrainableNetwork, evaluates_as_inference_does) {
    for (const auto& [name, graph] : networks_without_dropout()) {
        SCOPED_TRACE(name);
        const auto network = trainable(graph, false);
        ASSERT_NE(network, nullptr);
        const auto inputs = float_rows(graph);
        write_inputs(*network, inputs);
        ASSERT_TRUE(network->forward(kRows, ForwardMode::evaluation));
        const auto expected = evaluate_reference(graph, kRows, inputs);
        for (std::size_t port = 0; port < expected->size(); ++port) {
            for (std::size_t i = 0; i < (*expected)[port].size(); ++i) {
                const double wanted = (*expected)[port][i];
                ASSERT_NEAR(network->output(port)[i], wanted, 1e-5 * (1.0 + std::abs(wanted)));
            }
        }
    }
}

TEST(TrainableNetwork, moves_running_statistics_towards_those_of_the_batch) {
    GraphBuilder net("bn", 1);
    net.output(net.batch_norm(net.input("x", {1}), "bn", 1e-3F, 0.75F), "y");
    const auto network = trainable(net.build());
    for (std::size_t i = 0; i < kRows; ++i) network->input(0)[i] = static_cast<float>(i);
    ASSERT_TRUE(network->forward(kRows));
    const Graph after = network->to_graph();
    EXPECT_FLOAT_EQ(after.weights.at("bn/moving_mean").values[0], 0.25F * 2.F);
    EXPECT_FLOAT_EQ(after.weights.at("bn/moving_variance").values[0], 0.75F + 0.25F * 2.F);
    ASSERT_TRUE(network->forward(kRows, ForwardMode::evaluation));
    EXPECT_EQ(network->to_graph(), after) << "evaluation must not move them";
}

TEST(TrainableNetwork, ignores_rows_beyond_those_given) {
    const Graph graph = test::dense_networks()[0].graph;
    const auto full = trainable(graph);
    const auto inputs = float_rows(graph);
    const auto gradient_of_two_rows = [&](float rest) {
        write_inputs(*full, inputs);
        std::fill(full->input(0).begin() + 2 * 21, full->input(0).end(), rest);
        EXPECT_TRUE(full->forward(2));
        std::ranges::fill(full->output_gradient(0), 1.F);
        std::ranges::fill(full->output_gradient(1), rest);
        EXPECT_TRUE(full->backward());
        const auto gradient = full->parameters()[0].gradient;
        return std::vector<float>(gradient.begin(), gradient.end());
    };
    std::ranges::fill(full->output_gradient(1), 0.F);
    write_inputs(*full, inputs);
    const auto with_zeros = gradient_of_two_rows(0.F);
    EXPECT_NE(with_zeros, std::vector<float>(with_zeros.size(), 0.F));
    std::fill(full->input(0).begin(), full->input(0).end(), 9.F);
    EXPECT_EQ(gradient_of_two_rows(0.F), with_zeros);
}

TEST(TrainableNetwork, drops_and_scales_by_the_ratio_in_training_only) {
    GraphBuilder net("dropout", 1);
    net.output(net.dropout(net.input("x", {4000}), 0.25F), "y");
    const auto network = trainable(net.build());
    std::ranges::fill(network->input(0), 1.F);
    ASSERT_TRUE(network->forward(kRows));
    const std::vector<float> first(network->output(0).begin(), network->output(0).end());
    const auto dropped = std::ranges::count(first, 0.F);
    EXPECT_NEAR(static_cast<double>(dropped), 0.25 * 4000 * kRows, 250.0);
    EXPECT_EQ(std::ranges::count(first, 1.F / 0.75F) + dropped, 4000 * kRows);
    std::ranges::fill(network->output_gradient(0), 1.F);
    ASSERT_TRUE(network->backward());
    EXPECT_TRUE(std::ranges::equal(network->input_gradient(0), first)) << "the same mask backward";
    ASSERT_TRUE(network->forward(kRows));
    EXPECT_FALSE(std::ranges::equal(network->output(0), first)) << "a new mask every step";
    ASSERT_TRUE(network->forward(kRows, ForwardMode::evaluation));
    EXPECT_EQ(std::ranges::count(network->output(0), 1.F), 4000 * kRows);
}

TEST(TrainableNetwork, names_the_layer_where_a_nan_appeared) {
    GraphBuilder net("nan", 1);
    const GraphValue x = net.input("x", {3});
    net.output(net.tanh(net.dense(net.tanh(net.dense(x, 4, "first")), 2, "second")), "y");
    const auto network = trainable(net.build());
    EXPECT_EQ(network->first_non_finite(), "");
    for (const TrainableParameter& parameter : network->parameters()) {
        if (parameter.name == "second/kernel") parameter.values[0] = std::nanf("");
    }
    ASSERT_TRUE(network->forward(kRows));
    EXPECT_NE(network->first_non_finite().find("second"), std::string::npos)
        << network->first_non_finite();
}

TEST(TrainableNetwork, chains_two_networks_by_copying_values_and_gradients) {
    const Graph encoder_graph = test::dense_networks()[0].graph;
    const Graph decoder_graph = test::dense_networks()[1].graph;
    const auto encoder = trainable(encoder_graph, false);
    const auto decoder = trainable(decoder_graph, true);
    write_inputs(*encoder, float_rows(encoder_graph));
    ASSERT_TRUE(encoder->forward(kRows));
    std::ranges::copy(encoder->output(0), decoder->input(0).begin());
    ASSERT_TRUE(decoder->forward(kRows));
    for (std::size_t port = 0; port < 3; ++port) {
        std::ranges::fill(decoder->output_gradient(port), 1.F);
    }
    ASSERT_TRUE(decoder->backward());
    std::ranges::copy(decoder->input_gradient(0), encoder->output_gradient(0).begin());
    std::ranges::fill(encoder->output_gradient(1), 0.F);
    ASSERT_TRUE(encoder->backward());
    for (const TrainableParameter& parameter : encoder->parameters()) {
        EXPECT_TRUE(all_finite(parameter.gradient));
        const bool moved =
            std::ranges::any_of(parameter.gradient, [](float value) { return value != 0.F; });
        EXPECT_EQ(moved, !parameter.name.starts_with("sigma")) << parameter.name;
    }
}

}  // namespace
}  // namespace tamis::engine
