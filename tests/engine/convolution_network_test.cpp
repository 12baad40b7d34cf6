// Networks of convolutions whose steps are ours, on every instruction set of this machine: values,
// bits in every batch and place, rows that hold NaN, memory.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/network.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"
#include "tests/engine/vector_units.hpp"

namespace tamis::engine {
namespace {

std::vector<test::NamedGraph> roughened_networks() {
    std::vector<test::NamedGraph> all = test::own_convolution_networks();
    for (test::NamedGraph& entry : all) test::roughen_weights(entry.graph, 23);
    return all;
}

template <class Body>
void on_every_vector_unit(const Body& body) {
    test::on_every_vector_unit([&](const VectorUnit&) {
        for (const auto& [name, graph] : roughened_networks()) {
            SCOPED_TRACE(name);
            body(graph);
        }
    });
}

std::shared_ptr<const Network> compiled(const Graph& graph, std::size_t max_batch) {
    auto network = Network::compile(graph, {.max_batch = max_batch});
    EXPECT_TRUE(network.has_value()) << (network ? "" : network.error());
    return network.value_or(nullptr);
}

// Rows of all inputs, port by port.
std::vector<std::vector<float>> random_rows(const Network& network, std::size_t rows) {
    std::vector<std::vector<float>> ports;
    for (const NetworkPort& port : network.inputs()) {
        const auto values = test::random_rows(rows * port.row_size, 70 + ports.size());
        ports.emplace_back(values.begin(), values.end());
    }
    return ports;
}

// Scores rows [first, first + rows).
std::vector<float> scores(NetworkRunner& runner, const std::vector<std::vector<float>>& inputs,
                          std::size_t first, std::size_t rows, RunStatus expected = RunStatus::ok) {
    for (std::size_t port = 0; port < inputs.size(); ++port) {
        const std::size_t size = runner.network().inputs()[port].row_size;
        std::memcpy(runner.input(port).data(), inputs[port].data() + first * size,
                    rows * size * sizeof(float));
    }
    EXPECT_EQ(runner.run(rows), expected);
    const std::size_t size = runner.network().outputs()[0].row_size;
    const auto part = runner.output(0).first(rows * size);
    return {part.begin(), part.end()};
}

TEST(OwnConvolutions, are_used_where_the_table_says_so) {
    const Graph graph = test::own_convolution_networks()[0].graph;
    const auto lines = compiled(graph, 1)->executors();
    if (vector_unit().set == VectorUnit::Set::portable) GTEST_SKIP() << "no vector unit";
    EXPECT_TRUE(lines[0].starts_with("conv1 (Conv): direct, ")) << lines[0];
    EXPECT_TRUE(lines[1].starts_with("conv2 (Conv) to MaxPool_4 (MaxPool): winograd F(4x4) + pool"))
        << lines[1];
    const auto plain =
        Network::compile(graph, {.executors = CompileOptions::Executors::onednn}).value();
    for (const std::string& line : plain->executors()) {
        EXPECT_EQ(line.find("winograd F"), std::string::npos) << line;
        EXPECT_EQ(line.find(": direct"), std::string::npos) << line;
    }
}

TEST(OwnConvolutions, agree_with_the_reference) {
    constexpr std::size_t kRows = 5;
    on_every_vector_unit([](const Graph& graph) {
        NetworkRunner runner(compiled(graph, kRows));
        const auto inputs = random_rows(runner.network(), kRows);
        const auto ours = scores(runner, inputs, 0, kRows);
        std::vector<std::vector<double>> doubles;
        for (const auto& port : inputs) doubles.emplace_back(port.begin(), port.end());
        const auto expected = evaluate_reference(graph, kRows, doubles);
        ASSERT_TRUE(expected.has_value()) << expected.error();
        double largest = 0;
        for (const double value : (*expected)[0]) largest = std::max(largest, std::abs(value));
        for (std::size_t i = 0; i < ours.size(); ++i) {
            ASSERT_NEAR(ours[i], (*expected)[0][i], 1e-4 * largest) << "value " << i;
        }
    });
}

TEST(OwnConvolutions, give_a_row_the_same_bits_in_every_batch_and_place) {
    constexpr std::size_t kMost = 512;
    on_every_vector_unit([](const Graph& graph) {
        NetworkRunner runner(compiled(graph, kMost));
        const auto inputs = random_rows(runner.network(), kMost);
        const auto all = scores(runner, inputs, 0, kMost);
        const std::size_t size = runner.network().outputs()[0].row_size;
        const auto compare = [&](std::size_t first, std::size_t rows) {
            const auto part = scores(runner, inputs, first, rows);
            ASSERT_EQ(
                std::memcmp(part.data(), all.data() + first * size, part.size() * sizeof(float)), 0)
                << rows << " rows from " << first;
        };
        for (std::size_t rows = 1; rows <= 64; ++rows) compare(rows * 37 % (kMost - rows), rows);
        for (const std::size_t first : {std::size_t{0}, std::size_t{129}}) compare(first, 128);
        NetworkRunner alone(compiled(graph, 1));
        for (std::size_t row = 0; row < 40; ++row) {
            const auto one = scores(alone, inputs, row, 1);
            ASSERT_EQ(std::memcmp(one.data(), all.data() + row * size, one.size() * sizeof(float)),
                      0)
                << row;
        }
    });
}

TEST(OwnConvolutions, flag_a_spoilt_row_and_leave_the_others_their_bits) {
    constexpr std::size_t kRows = 21;
    on_every_vector_unit([](const Graph& graph) {
        NetworkRunner runner(compiled(graph, kRows));
        auto inputs = random_rows(runner.network(), kRows);
        const auto clean = scores(runner, inputs, 0, kRows);
        const std::size_t in = runner.network().inputs()[0].row_size;
        const std::size_t out = runner.network().outputs()[0].row_size;
        inputs[0][4 * in + in / 2] = std::numeric_limits<float>::quiet_NaN();
        inputs[0][17 * in] = std::numeric_limits<float>::infinity();
        const auto spoilt = scores(runner, inputs, 0, kRows, RunStatus::non_finite_rows);
        for (std::size_t row = 0; row < kRows; ++row) {
            const bool finite = row != 4 && row != 17;
            EXPECT_EQ(runner.row_is_finite(row), finite) << row;
            if (!finite) continue;
            EXPECT_EQ(std::memcmp(spoilt.data() + row * out, clean.data() + row * out,
                                  out * sizeof(float)),
                      0)
                << row;
        }
    });
}

}  // namespace
}  // namespace tamis::engine
