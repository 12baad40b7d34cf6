// Networks in double precision against plain loops in double, on every instruction set.
#include "engine/double_network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/graph_builder.hpp"
#include "engine/random.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"
#include "tests/engine/vector_units.hpp"

namespace tamis::engine {
namespace {

using NetworkPointer = std::shared_ptr<const DoubleNetwork>;

constexpr std::size_t kRows = 35;

// Heads of one input, with and without bias, side by side where their activations agree; every
// activation.
Graph branches() {
    GraphBuilder net("branches", 5);
    const GraphValue x = net.input("x", {13});
    const GraphValue h = net.leaky_relu(net.dense(x, 75, "h"), 0.1F);
    const GraphValue first = net.dense(h, 5, "first");
    net.output(net.tanh(net.dense(net.relu(net.dense(first, 19, "wide")), 3, "tanh")), "tanh");
    net.output(first, "first");
    net.output(net.dense(h, 9, "second"), "second");
    net.output(net.sigmoid(net.dense(h, 1, "sigmoid")), "sigmoid");
    Graph graph = net.build();
    for (Node& node : graph.nodes) {
        if (node.op == "Gemm" && node.inputs[1] == "second/kernel") node.inputs.pop_back();
    }
    graph.weights.erase("second/bias");
    return graph;
}

std::vector<test::NamedGraph> networks() {
    std::vector<test::NamedGraph> all = {{"branches", branches()}};
    for (auto& entry : test::dense_networks()) {
        if (entry.name != "joined_parts") all.push_back(std::move(entry));
    }
    for (test::NamedGraph& entry : all) test::roughen_weights(entry.graph, 3);
    return all;
}

void fill(DoubleRunner& runner, std::size_t row, std::size_t like) {
    for (std::size_t i = 0; i < runner.input(row).size(); ++i) {
        runner.input(row)[i] = random_normal(1, like, i);
    }
}

// All outputs of a row, one after another.
std::vector<double> outputs(const DoubleRunner& runner, std::size_t row) {
    std::vector<double> all;
    for (std::size_t port = 0; port < runner.network().outputs().size(); ++port) {
        const auto values = runner.output(port, row);
        all.insert(all.end(), values.begin(), values.end());
    }
    return all;
}

void expect_reference(const Graph& graph) {
    const NetworkPointer network = DoubleNetwork::compile(graph).value();
    DoubleRunner runner(network, kRows);
    std::vector<double> rows;
    for (std::size_t row = 0; row < kRows; ++row) {
        fill(runner, row, row);
        rows.insert(rows.end(), runner.input(row).begin(), runner.input(row).end());
    }
    runner.run(kRows);
    const auto expected = evaluate_reference(graph, kRows, std::span(&rows, 1)).value();
    ASSERT_EQ(network->outputs().size(), expected.size());
    for (std::size_t port = 0; port < expected.size(); ++port) {
        EXPECT_EQ(network->outputs()[port].name, graph.outputs[port]);
        const std::size_t size = network->outputs()[port].row_size;
        ASSERT_EQ(expected[port].size(), kRows * size);
        for (std::size_t i = 0; i < expected[port].size(); ++i) {
            const double want = expected[port][i];
            ASSERT_NEAR(runner.output(port, i / size)[i % size], want, 1e-13 * (1 + std::abs(want)))
                << graph.outputs[port] << " row " << i / size << " unit " << i % size;
        }
    }
}

TEST(DoubleNetwork, agrees_with_plain_loops_in_double) {
    for (const auto& [name, graph] : networks()) {
        SCOPED_TRACE(name);
        test::on_every_vector_unit([&](const VectorUnit& unit) {
            EXPECT_STREQ(DoubleNetwork::compile(graph).value()->instruction_set(), unit.name);
            expect_reference(graph);
        });
    }
}

TEST(DoubleNetwork, a_row_has_the_same_bits_in_any_batch) {
    for (const auto& [name, graph] : networks()) {
        SCOPED_TRACE(name);
        test::on_every_vector_unit([&](const VectorUnit&) {
            const NetworkPointer network = DoubleNetwork::compile(graph).value();
            DoubleRunner alone(network, 1);
            DoubleRunner many(network, kRows);
            for (std::size_t rows = 1; rows <= kRows; ++rows) {
                for (std::size_t row = 0; row < rows; ++row) fill(many, row, rows + row);
                many.run(rows);
                for (std::size_t row = 0; row < rows; ++row) {
                    fill(alone, 0, rows + row);
                    alone.run(1);
                    const std::vector<double> want = outputs(alone, 0);
                    const std::vector<double> got = outputs(many, row);
                    ASSERT_EQ(0, std::memcmp(got.data(), want.data(), want.size() * sizeof(double)))
                        << "row " << row << " of " << rows;
                }
            }
        });
    }
}

TEST(DoubleNetwork, rows_with_values_that_are_not_finite_are_told) {
    const Graph graph = branches();
    test::on_every_vector_unit([&](const VectorUnit&) {
        DoubleRunner runner(DoubleNetwork::compile(graph).value(), 6);
        for (std::size_t row = 0; row < 6; ++row) fill(runner, row, row);
        runner.run(6);
        const std::vector<double> before = outputs(runner, 5);
        for (std::size_t row = 0; row < 6; ++row) EXPECT_TRUE(runner.row_is_finite(row)) << row;
        runner.input(0)[12] = std::numeric_limits<float>::quiet_NaN();
        runner.input(2)[0] = -std::numeric_limits<float>::infinity();
        runner.run(6);
        for (std::size_t row = 0; row < 6; ++row) {
            EXPECT_EQ(runner.row_is_finite(row), row != 0 && row != 2) << row;
        }
        EXPECT_EQ(outputs(runner, 5), before);
    });
}

std::string refusal(const Graph& graph) {
    const auto made = DoubleNetwork::compile(graph);
    return made ? "" : made.error();
}

TEST(DoubleNetwork, what_it_does_not_have_is_refused_by_name) {
    for (const auto& [name, graph] : test::dense_networks()) {
        if (name != "joined_parts") continue;
        EXPECT_NE(refusal(graph).find("network \"joined_parts\" has 2 inputs"), std::string::npos)
            << refusal(graph);
    }
    const auto one = [](const auto& body) { return test::single("one", {8}, body).graph; };
    const std::string softmax = refusal(one(
        [](GraphBuilder& net, const GraphValue& x) { return net.softmax(net.dense(x, 3, "d")); }));
    EXPECT_NE(softmax.find("(Softmax) (unsupported in double precision); supported are dense"),
              std::string::npos)
        << softmax;
    const std::string wide = refusal(one([](GraphBuilder& net, const GraphValue& x) {
        return net.dense(net.dense(x, 40'000, "a"), 1, "b");
    }));
    EXPECT_EQ(wide, "");
    const std::string wider = refusal(one([](GraphBuilder& net, const GraphValue& x) {
        return net.dense(net.dense(net.dense(x, 40'000, "a"), 1, "b"), 40'000, "c");
    }));
    EXPECT_NE(wider.find("at most 65536 are"), std::string::npos) << wider;
    Graph broken = branches();
    broken.nodes.front().op = "Conv7";
    EXPECT_NE(refusal(broken).find("Conv7"), std::string::npos);
}

}  // namespace
}  // namespace tamis::engine
