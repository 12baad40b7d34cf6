#include "engine/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

using test::NamedGraph;

std::vector<NamedGraph> all_networks() {
    std::vector<NamedGraph> all = test::all_networks();
    for (NamedGraph& entry : all) test::roughen_weights(entry.graph, 17);
    return all;
}

std::shared_ptr<const Network> compiled(const Graph& graph, std::size_t max_batch = 64) {
    auto network = Network::compile(graph, {.max_batch = max_batch});
    EXPECT_TRUE(network.has_value()) << (network ? "" : network.error());
    return network.value_or(nullptr);
}

std::vector<std::vector<double>> rows_for(const Graph& graph, std::size_t rows) {
    std::vector<std::vector<double>> inputs;
    for (const GraphInput& input : graph.inputs) {
        inputs.push_back(
            test::random_rows(rows * input.row_shape.element_count(), 40 + inputs.size()));
    }
    return inputs;
}

void write_rows(NetworkRunner& runner, const std::vector<std::vector<double>>& inputs,
                std::size_t first, std::size_t rows) {
    for (std::size_t port = 0; port < inputs.size(); ++port) {
        const std::size_t size = runner.network().inputs()[port].row_size;
        for (std::size_t i = 0; i < rows * size; ++i) {
            runner.input(port)[i] = static_cast<float>(inputs[port][first * size + i]);
        }
    }
}

std::vector<float> outputs_of(const NetworkRunner& runner, std::size_t first, std::size_t rows) {
    std::vector<float> all;
    for (std::size_t port = 0; port < runner.network().outputs().size(); ++port) {
        const std::size_t size = runner.network().outputs()[port].row_size;
        const auto part = runner.output(port).subspan(first * size, rows * size);
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

TEST(Network, agrees_with_the_reference_evaluation) {
    constexpr std::size_t kRows = 7;
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        auto network = compiled(graph);
        ASSERT_NE(network, nullptr);
        NetworkRunner runner(network);
        auto inputs = rows_for(graph, kRows);
        for (auto& port : inputs) {
            for (double& value : port) value = static_cast<float>(value);
        }
        write_rows(runner, inputs, 0, kRows);
        ASSERT_EQ(runner.run(kRows), RunStatus::ok);
        const auto expected = evaluate_reference(graph, kRows, inputs);
        ASSERT_TRUE(expected.has_value()) << expected.error();
        // Winograd's convolutions add and take away more than there is: an error of the largest
        // value, not of the one it is in.
        const bool rougher = std::ranges::any_of(network->executors(), [](const std::string& line) {
            return line.find("winograd") != std::string::npos;
        });
        const double limit = rougher ? 1e-4 : 1e-5;
        for (std::size_t port = 0; port < expected->size(); ++port) {
            double largest = 0.0;
            for (const double wanted : (*expected)[port]) {
                largest = std::max(largest, std::abs(wanted));
            }
            for (std::size_t i = 0; i < (*expected)[port].size(); ++i) {
                const double wanted = (*expected)[port][i];
                const double scale = rougher ? largest : std::abs(wanted);
                ASSERT_NEAR(runner.output(port)[i], wanted, limit * (1.0 + scale))
                    << "output " << port << " value " << i;
            }
        }
    }
}

TEST(Network, gives_a_row_the_same_bits_in_every_batch_size_and_place) {
    constexpr std::size_t kMost = 515;  // more than go through at once
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        auto network = compiled(graph, kMost);
        ASSERT_NE(network, nullptr);
        NetworkRunner runner(network);
        const auto inputs = rows_for(graph, kMost);
        std::vector<std::vector<float>> alone;
        for (std::size_t row = 0; row < kMost; ++row) {
            write_rows(runner, inputs, row, 1);
            ASSERT_EQ(runner.run(1), RunStatus::ok);
            alone.push_back(outputs_of(runner, 0, 1));
        }
        std::vector<std::size_t> counts(64);
        std::iota(counts.begin(), counts.end(), 1U);
        counts.insert(counts.end(), {128, 512, kMost, 2});
        for (const std::size_t rows : counts) {
            const std::size_t first = (rows * 13) % (kMost - rows + 1);
            write_rows(runner, inputs, first, rows);
            ASSERT_EQ(runner.run(rows), RunStatus::ok);
            for (std::size_t row = 0; row < rows; ++row) {
                const auto one = outputs_of(runner, row, 1);
                ASSERT_EQ(
                    std::memcmp(one.data(), alone[first + row].data(), one.size() * sizeof(float)),
                    0)
                    << "row " << row << " of " << rows;
            }
        }
    }
}

TEST(Network, gives_the_same_bits_whatever_the_largest_batch) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        const auto inputs = rows_for(graph, 1);
        std::vector<float> first;
        for (const std::size_t max_batch : {1, 3, 64, 200}) {
            NetworkRunner runner(compiled(graph, max_batch));
            write_rows(runner, inputs, 0, 1);
            ASSERT_EQ(runner.run(1), RunStatus::ok);
            const auto scores = outputs_of(runner, 0, 1);
            if (first.empty()) first = scores;
            EXPECT_EQ(std::memcmp(first.data(), scores.data(), first.size() * sizeof(float)), 0);
        }
    }
}

TEST(Network, flags_the_row_that_holds_a_nan_and_no_other) {
    const Graph graph = test::dense_networks()[0].graph;
    NetworkRunner runner(compiled(graph));
    write_rows(runner, rows_for(graph, 20), 0, 20);
    runner.input(0)[7 * 21 + 3] = std::numeric_limits<float>::quiet_NaN();
    runner.input(0)[12 * 21 + 20] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(runner.run(20), RunStatus::non_finite_rows);
    for (std::size_t row = 0; row < 20; ++row) {
        EXPECT_EQ(runner.row_is_finite(row), row != 7 && row != 12) << row;
    }
    write_rows(runner, rows_for(graph, 20), 0, 20);
    EXPECT_EQ(runner.run(20), RunStatus::ok) << "a flag must not outlive its run";
}

// A ReLU in between would turn the NaN of Inf - Inf into a 0 that scores as normal.
TEST(Network, flags_a_row_that_overflows_inside) {
    GraphBuilder net("overflow", 1);
    const GraphValue x = net.input("x", {8});
    net.output(net.dense(net.relu(net.dense(x, 20, "first")), 3, "second"), "y");
    Graph graph = net.build();
    std::ranges::fill(graph.weights.at("first/kernel").values, 2.F);
    NetworkRunner runner(compiled(graph));
    write_rows(runner, rows_for(graph, 5), 0, 5);
    for (std::size_t i = 0; i < 8; ++i) runner.input(0)[2 * 8 + i] = i % 2 == 0 ? 3e38F : -3e38F;
    EXPECT_EQ(runner.run(5), RunStatus::non_finite_rows);
    for (std::size_t row = 0; row < 5; ++row) EXPECT_EQ(runner.row_is_finite(row), row != 2);
}

TEST(Network, refuses_weights_that_are_not_finite) {
    Graph graph = test::dense_networks()[0].graph;
    graph.weights.at("h1/kernel").values[5] = std::numeric_limits<float>::quiet_NaN();
    const auto network = Network::compile(graph);
    ASSERT_FALSE(network.has_value());
    EXPECT_NE(network.error().find("h1/kernel"), std::string::npos) << network.error();
}

TEST(Network, refuses_a_batch_that_would_need_too_much_memory) {
    GraphBuilder net("wide", 1);
    const GraphValue x = net.input("x", {65536, 64});
    net.output(net.relu(x), "y");
    const auto network = Network::compile(net.build(), {.max_batch = 4096});
    ASSERT_FALSE(network.has_value());
    EXPECT_NE(network.error().find("1 GiB"), std::string::npos) << network.error();
}

// A file of few bytes would keep a process for a day.
TEST(Network, refuses_poolings_that_read_too_much) {
    for (const bool many : {false, true}) {
        GraphBuilder net("wide", 1);
        GraphValue x = net.input("x", {1, 4096, 4096});
        const std::int64_t window = many ? 8 : 2048;
        for (int i = 0; i < (many ? 80 : 1); ++i) {
            x = net.average_pool(x, {.kernel = {window, window}, .strides = {1, 1}});
        }
        net.output(x, "y");
        const Graph graph = net.build();
        const auto network = Network::compile(graph);
        ASSERT_FALSE(network.has_value());
        EXPECT_NE(network.error().find("poolings that read more than"), std::string::npos)
            << network.error();
    }
}

TEST(Network, runs_nothing_for_zero_rows) {
    NetworkRunner runner(compiled(test::dense_networks()[0].graph));
    EXPECT_EQ(runner.run(0), RunStatus::ok);
}

TEST(Network, counts_multiply_adds_per_row) {
    const auto network = compiled(test::dense_networks()[0].graph);
    EXPECT_EQ(network->multiply_adds(), 21U * 50 + 50 * 50 + 2 * 50 * 4);
}

}  // namespace
}  // namespace tamis::engine
