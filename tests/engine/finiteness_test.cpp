// What is not finite is reported for its row, whatever layer it meets (oneDNN's ReLU turns NaN into
// 0, a maximum forgets it), and leaves the bits of the rows beside it alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "engine/network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr std::array<float, 3> kBad = {kNan, kInf, -kInf};

std::vector<test::NamedGraph> all_networks() {
    std::vector<test::NamedGraph> all = test::dense_networks();
    for (auto& more : test::convolution_networks()) all.push_back(std::move(more));
    for (auto& more : test::layer_networks()) all.push_back(std::move(more));
    for (auto& entry : all) test::roughen_weights(entry.graph, 17);
    return all;
}

using Ports = std::vector<std::vector<float>>;

void write_rows(NetworkRunner& runner, std::size_t rows) {
    for (std::size_t port = 0; port < runner.network().inputs().size(); ++port) {
        const auto values =
            test::random_rows(rows * runner.network().inputs()[port].row_size, 40 + port);
        std::ranges::transform(values, runner.input(port).begin(),
                               [](double value) { return static_cast<float>(value); });
    }
}

Ports outputs_of(const NetworkRunner& runner, std::size_t rows) {
    Ports all;
    for (std::size_t port = 0; port < runner.network().outputs().size(); ++port) {
        const auto part =
            runner.output(port).first(rows * runner.network().outputs()[port].row_size);
        all.emplace_back(part.begin(), part.end());
    }
    return all;
}

// Only the bad row is flagged, and all others have the bits they have without it.
void expect_only(const NetworkRunner& runner, std::size_t rows, std::size_t bad,
                 const Ports& wanted) {
    const Ports seen = outputs_of(runner, rows);
    for (std::size_t row = 0; row < rows; ++row) {
        ASSERT_EQ(runner.row_is_finite(row), row != bad) << "row " << row << " of " << rows;
        if (row == bad) continue;
        for (std::size_t port = 0; port < seen.size(); ++port) {
            const std::size_t size = runner.network().outputs()[port].row_size;
            ASSERT_EQ(std::memcmp(seen[port].data() + row * size, wanted[port].data() + row * size,
                                  size * sizeof(float)),
                      0)
                << "row " << row << " of " << rows << ", bad is row " << bad;
        }
    }
}

TEST(Finiteness, a_bad_row_is_flagged_in_every_port_and_place_and_its_neighbours_keep_their_bits) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value()) << network.error();
        NetworkRunner runner(*network);
        std::size_t turn = 0;
        for (const std::size_t rows : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
            write_rows(runner, rows);
            ASSERT_EQ(runner.run(rows), RunStatus::ok);
            const Ports wanted = outputs_of(runner, rows);
            for (std::size_t port = 0; port < (*network)->inputs().size(); ++port) {
                const std::size_t size = (*network)->inputs()[port].row_size;
                for (const std::size_t bad : {std::size_t{0}, rows / 2, rows - 1}) {
                    for (const std::size_t place : {std::size_t{0}, size / 3, size - 1}) {
                        float& value = runner.input(port)[bad * size + place];
                        const float before = value;
                        value = kBad.at(turn++ % kBad.size());
                        ASSERT_EQ(runner.run(rows), RunStatus::non_finite_rows);
                        expect_only(runner, rows, bad, wanted);
                        value = before;
                    }
                }
            }
        }
    }
}

TEST(Finiteness, rows_beyond_the_call_leave_no_trace) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value()) << network.error();
        NetworkRunner runner(*network);
        write_rows(runner, 64);
        ASSERT_EQ(runner.run(64), RunStatus::ok);
        const Ports wanted = outputs_of(runner, 5);
        for (std::size_t port = 0; port < (*network)->inputs().size(); ++port) {
            const std::size_t size = (*network)->inputs()[port].row_size;
            std::ranges::fill(runner.input(port).subspan(5 * size), kNan);
        }
        EXPECT_EQ(runner.run(64), RunStatus::non_finite_rows);
        EXPECT_EQ(runner.run(5), RunStatus::ok);
        EXPECT_EQ(outputs_of(runner, 5), wanted);
    }
}

// Two layers whose ReLU makes 0 of -Inf.
GraphValue hiding_layers(GraphBuilder& net, const GraphValue& x) {
    return net.dense(net.relu(net.dense(x, 20, "first")), 3, "second");
}

// The first layer looks at its inputs while it turns whole blocks of rows into columns; what its
// ReLU makes 0 shows nowhere else.
TEST(Finiteness, an_infinity_that_a_relu_hides_is_found_in_every_place) {
    constexpr std::size_t kRows = 70;  // whole blocks on each instruction set, and some more
    for (const std::int64_t width : {1, 3, 4, 6, 21, 57}) {
        GraphBuilder net("hidden", 1);
        const GraphValue x = net.input("x", {width});
        net.output(hiding_layers(net, x), "y");
        Graph graph = net.build();
        std::ranges::fill(graph.weights.at("first/kernel").values, 0.5F);
        const auto network = Network::compile(graph, {.max_batch = kRows});
        ASSERT_TRUE(network.has_value()) << network.error();
        NetworkRunner runner(*network);
        write_rows(runner, kRows);
        const auto size = static_cast<std::size_t>(width);
        for (std::size_t place = 0; place < kRows * size; ++place) {
            const float before = runner.input(0)[place];
            runner.input(0)[place] = -kInf;
            ASSERT_EQ(runner.run(kRows), RunStatus::non_finite_rows) << place << " of " << width;
            for (std::size_t row = 0; row < kRows; ++row) {
                ASSERT_EQ(runner.row_is_finite(row), row != place / size);
            }
            runner.input(0)[place] = before;
        }
        EXPECT_EQ(runner.run(kRows), RunStatus::ok);
    }
}

void expect_hidden_infinity_is_found(Graph graph, std::size_t port) {
    std::ranges::fill(graph.weights.at("first/kernel").values, 0.5F);
    const auto network = Network::compile(graph);
    ASSERT_TRUE(network.has_value()) << network.error();
    NetworkRunner runner(*network);
    write_rows(runner, 64);
    ASSERT_EQ(runner.run(64), RunStatus::ok);
    runner.input(port)[0] = -kInf;
    EXPECT_EQ(runner.run(64), RunStatus::non_finite_rows);
    EXPECT_FALSE(runner.row_is_finite(0));
    EXPECT_TRUE(runner.row_is_finite(1));
}

TEST(Finiteness, an_input_that_no_layer_reads_is_looked_at) {
    GraphBuilder net("unread", 1);
    const GraphValue x = net.input("x", {6});
    static_cast<void>(net.input("unread", {2}));
    net.output(hiding_layers(net, x), "y");
    expect_hidden_infinity_is_found(net.build(), 1);
}

// What the first layers found is in memory that later ones fill with zeros.
TEST(Finiteness, an_infinity_is_found_before_later_layers_take_the_memory) {
    GraphBuilder net("later", 1);
    const GraphValue image = net.reshape(hiding_layers(net, net.input("x", {6})), {3, 1, 1});
    const ConvolutionOptions pixel{.kernel = {1, 1}, .strides = {}};
    const GraphValue wide = net.relu(net.convolution(image, 256, "wide", pixel));
    net.output(net.convolution(wide, 2, "narrow", pixel), "y");
    Graph graph = net.build();
    std::ranges::fill(graph.weights.at("wide/kernel").values, 0.F);
    expect_hidden_infinity_is_found(std::move(graph), 0);
}

TEST(Finiteness, an_output_that_overflows_is_flagged) {
    GraphBuilder net("overflow", 1);
    const GraphValue x = net.input("x", {2});
    net.output(net.dense(x, 1, "d"), "y");
    net.output(net.relu(x), "z");
    Graph graph = net.build();
    graph.weights.at("d/kernel").values.assign(2, 1e30F);
    const auto network = Network::compile(graph);
    ASSERT_TRUE(network.has_value()) << network.error();
    NetworkRunner runner(*network);
    std::ranges::fill(runner.input(0), 1.F);
    runner.input(0)[2 * 3] = 1e30F;
    EXPECT_EQ(runner.run(8), RunStatus::non_finite_rows);
    for (std::size_t row = 0; row < 8; ++row) EXPECT_EQ(runner.row_is_finite(row), row != 3) << row;
}

TEST(Finiteness, of_a_list_depends_on_exponents_alone) {
    constexpr std::array<float, 6> kGood = {0.F,
                                            -0.F,
                                            std::numeric_limits<float>::max(),
                                            std::numeric_limits<float>::lowest(),
                                            std::numeric_limits<float>::denorm_min(),
                                            -1.5F};
    for (std::size_t count = 0; count <= 70; ++count) {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = kGood.at(i % kGood.size());
        EXPECT_TRUE(all_finite(values)) << count;
        for (std::size_t place = 0; place < count; ++place) {
            const float before = values[place];
            for (const float bad :
                 {kNan, -kNan, std::numeric_limits<float>::signaling_NaN(), kInf, -kInf}) {
                values[place] = bad;
                EXPECT_FALSE(all_finite(values)) << count << " values, place " << place;
            }
            values[place] = before;
        }
    }
}

}  // namespace
}  // namespace tamis::engine
