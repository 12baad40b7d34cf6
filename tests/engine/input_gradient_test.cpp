#include "engine/input_gradient.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

constexpr std::size_t kRows = 3;

using Values = std::vector<std::vector<double>>;

// Sum of factor times output, in double and as inference has it: running statistics, no dropout.
double scalar(const Graph& graph, const Values& inputs, const Values& factors) {
    const auto outputs = evaluate_reference(graph, kRows, inputs).value();
    double sum = 0;
    for (std::size_t port = 0; port < factors.size(); ++port) {
        for (std::size_t i = 0; i < factors[port].size(); ++i) {
            sum += factors[port][i] * outputs[port][i];
        }
    }
    return sum;
}

struct Case {
    Graph graph;
    Values inputs, factors;
};

Case case_of(Graph graph) {
    Case made{.graph = std::move(graph), .inputs = {}, .factors = {}};
    test::roughen_weights(made.graph, 31);
    for (const GraphInput& input : made.graph.inputs) {
        made.inputs.push_back(
            test::random_rows(kRows * input.row_shape.element_count(), 40 + made.inputs.size()));
        for (double& value : made.inputs.back()) value = static_cast<float>(value);
    }
    const auto shapes = check_graph(made.graph).value();
    for (const std::string& output : made.graph.outputs) {
        made.factors.push_back(
            test::random_rows(kRows * shapes.at(output).element_count(), 60 + made.factors.size()));
    }
    return made;
}

void expect_slopes(Case& tried) {
    const auto network = make_differentiable_network(tried.graph, kRows);
    ASSERT_TRUE(network.has_value()) << network.error();
    for (std::size_t port = 0; port < tried.inputs.size(); ++port) {
        std::ranges::copy(tried.inputs[port], (*network)->input(port).begin());
    }
    ASSERT_TRUE((*network)->forward(kRows));
    for (std::size_t port = 0; port < tried.factors.size(); ++port) {
        std::ranges::copy(tried.factors[port], (*network)->output_gradient(port).begin());
    }
    ASSERT_TRUE((*network)->backward());
    for (std::size_t port = 0; port < tried.inputs.size(); ++port) {
        auto& values = tried.inputs[port];
        const std::size_t stride = values.size() / 24 + 1;
        for (std::size_t i = 0; i < values.size(); i += stride) {
            constexpr double kStep = 1e-5;
            const double centre = values[i];
            values[i] = centre + kStep;
            const double up = scalar(tried.graph, tried.inputs, tried.factors);
            values[i] = centre - kStep;
            const double down = scalar(tried.graph, tried.inputs, tried.factors);
            values[i] = centre;
            const double slope = (up - down) / (2 * kStep);
            EXPECT_NEAR((*network)->input_gradient(port)[i], slope, 2e-4 * (1 + std::abs(slope)))
                << "input " << port << "[" << i << "]";
        }
    }
}

TEST(InputGradient, is_that_of_inference_where_training_computes_something_else) {
    std::size_t tried = 0;
    for (const auto& [name, graph] : test::layer_networks()) {
        const bool differs = std::ranges::any_of(graph.nodes, [](const Node& node) {
            return node.op == "BatchNormalization" || node.op == "Dropout";
        });
        if (!differs) continue;
        SCOPED_TRACE(name);
        Case one = case_of(graph);
        expect_slopes(one);
        ++tried;
    }
    EXPECT_EQ(tried, 5);
}

TEST(InputGradient, goes_through_whole_networks) {
    for (const auto& networks : {test::dense_networks(), test::convolution_networks()}) {
        SCOPED_TRACE(networks[0].name);
        Case one = case_of(networks[0].graph);
        expect_slopes(one);
    }
}

TEST(InputGradient, refuses_layers_without_derivative) {
    const auto refused =
        make_differentiable_network(test::layers_without_derivative()[0].graph, kRows);
    ASSERT_FALSE(refused.has_value());
    EXPECT_FALSE(refused.error().empty());
}

}  // namespace
}  // namespace tamis::engine
