#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/int8_calibration.hpp"
#include "engine/network.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

using test::NamedGraph;
using testing::HasSubstr;

constexpr std::size_t kCalibrationRows = 200;

std::vector<NamedGraph> networks() {
    std::vector<NamedGraph> all = test::dense_networks();
    for (auto& more : test::convolution_networks()) all.push_back(std::move(more));
    for (NamedGraph& entry : all) test::roughen_weights(entry.graph, 17);
    return all;
}

std::vector<std::vector<float>> rows_for(const Graph& graph, std::size_t rows, std::uint64_t seed) {
    std::vector<std::vector<float>> inputs;
    for (const GraphInput& input : graph.inputs) {
        const auto values =
            test::random_rows(rows * input.row_shape.element_count(), seed + inputs.size());
        inputs.emplace_back(values.begin(), values.end());
    }
    return inputs;
}

Int8Ranges calibrated(const Graph& graph) {
    auto ranges = calibrate_int8(graph, kCalibrationRows, rows_for(graph, kCalibrationRows, 40));
    EXPECT_TRUE(ranges.has_value()) << (ranges ? "" : ranges.error());
    return ranges.value_or(Int8Ranges{});
}

std::shared_ptr<const Network> compiled(const Graph& graph, const Int8Ranges& ranges,
                                        std::size_t max_batch) {
    auto network = Network::compile(graph, {.max_batch = max_batch, .int8 = ranges});
    EXPECT_TRUE(network.has_value()) << (network ? "" : network.error());
    return network.value_or(nullptr);
}

void write_rows(NetworkRunner& runner, const std::vector<std::vector<float>>& inputs,
                std::size_t first, std::size_t rows) {
    for (std::size_t port = 0; port < inputs.size(); ++port) {
        const std::size_t size = runner.network().inputs()[port].row_size;
        std::copy_n(inputs[port].begin() + static_cast<std::ptrdiff_t>(first * size), rows * size,
                    runner.input(port).begin());
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

std::size_t integer_layers(const Network& network) {
    std::size_t count = 0;
    for (const std::string& line : network.executors()) {
        count += static_cast<std::size_t>(line.ends_with(": to uint8"));
    }
    return count;
}

std::size_t layers_with_weights(const Graph& graph) {
    return static_cast<std::size_t>(std::ranges::count_if(graph.nodes, [](const Node& node) {
        return node.op == "Gemm" || node.op == "MatMul" || node.op == "Conv";
    }));
}

TEST(Int8, every_dense_and_convolution_layer_runs_in_integers_and_stays_close) {
    constexpr std::size_t kRows = 32;
    for (const auto& [name, graph] : networks()) {
        SCOPED_TRACE(name);
        const auto network = compiled(graph, calibrated(graph), kRows);
        ASSERT_NE(network, nullptr);
        EXPECT_EQ(integer_layers(*network), layers_with_weights(graph));
        NetworkRunner runner(network);
        const auto inputs = rows_for(graph, kRows, 40);  // among those calibrated with
        write_rows(runner, inputs, 0, kRows);
        ASSERT_EQ(runner.run(kRows), RunStatus::ok);
        std::vector<std::vector<double>> exact;
        for (const auto& port : inputs) exact.emplace_back(port.begin(), port.end());
        const auto expected = evaluate_reference(graph, kRows, exact);
        ASSERT_TRUE(expected.has_value()) << expected.error();
        for (std::size_t port = 0; port < expected->size(); ++port) {
            double largest = 0;
            double square = 0;
            for (std::size_t i = 0; i < (*expected)[port].size(); ++i) {
                const double wanted = (*expected)[port][i];
                largest = std::max(largest, std::abs(wanted));
                square += std::pow(runner.output(port)[i] - wanted, 2);
            }
            const double rms = std::sqrt(square / static_cast<double>((*expected)[port].size()));
            EXPECT_LT(rms, 0.04 * largest) << "output " << port;
            EXPECT_GT(rms, 0) << "that was no integer arithmetic";
        }
    }
}

TEST(Int8, a_rows_bits_do_not_depend_on_batch_or_place) {
    constexpr std::size_t kRows = 512;
    for (const auto& [name, graph] : networks()) {
        SCOPED_TRACE(name);
        const auto network = compiled(graph, calibrated(graph), kRows);
        ASSERT_NE(network, nullptr);
        NetworkRunner runner(network);
        const auto inputs = rows_for(graph, kRows, 90);
        write_rows(runner, inputs, 0, kRows);
        ASSERT_EQ(runner.run(kRows), RunStatus::ok);
        std::vector<std::vector<float>> expected;
        for (std::size_t row = 0; row < kRows; ++row)
            expected.push_back(outputs_of(runner, row, 1));
        for (std::size_t batch = 1; batch <= 130; batch += batch < 64 ? 1 : 33) {
            const std::size_t first = (batch * 37) % (kRows - batch);
            write_rows(runner, inputs, first, batch);
            ASSERT_EQ(runner.run(batch), RunStatus::ok);
            for (std::size_t row = 0; row < batch; ++row) {
                const auto got = outputs_of(runner, row, 1);
                ASSERT_EQ(std::memcmp(got.data(), expected[first + row].data(),
                                      got.size() * sizeof(float)),
                          0)
                    << "row " << row << " of " << batch;
            }
        }
    }
}

// The whole arithmetic of one layer, written down once more.
TEST(Int8, a_dense_layer_is_its_formula_to_the_bit) {
    constexpr std::int64_t kIn = 37;
    constexpr std::int64_t kUnits = 37;  // vectors and a rest
    constexpr std::size_t kRows = 9;
    GraphBuilder net("one", 3);
    net.output(net.dense(net.input("x", {kIn}), kUnits, "layer"), "y");
    Graph graph = net.build();
    test::roughen_weights(graph, 5);
    const Int8Range range{-1.25F, 2.5F};  // rows beyond it are clipped
    const auto network = compiled(graph, {range}, kRows);
    ASSERT_NE(network, nullptr);
    NetworkRunner runner(network);
    const auto inputs = rows_for(graph, kRows, 7);
    write_rows(runner, inputs, 0, kRows);
    ASSERT_EQ(runner.run(kRows), RunStatus::ok);

    const float scale = (range.high - range.low) / 127.F;
    const auto zero = static_cast<int>(std::lround(-range.low / scale));
    const float factor = 1.F / scale;
    const auto& kernel = graph.weights.at("layer/kernel").values;  // [in, units]
    const auto& bias = graph.weights.at("layer/bias").values;
    for (std::size_t unit = 0; unit < kUnits; ++unit) {
        float largest = 0;
        for (std::size_t i = 0; i < kIn; ++i) {
            largest = std::max(largest, std::abs(kernel[i * kUnits + unit]));
        }
        const float weight_scale = largest / 127.F;
        for (std::size_t row = 0; row < kRows; ++row) {
            int sum = 0;
            for (std::size_t i = 0; i < kIn; ++i) {
                const float place =
                    inputs[0][row * kIn + i] * factor + (static_cast<float>(zero) + 0.5F);
                const int input = static_cast<int>(std::min(std::max(place, 0.F), 127.F));
                const auto weight =
                    static_cast<int>(std::lround(kernel[i * kUnits + unit] / weight_scale));
                sum += (input - zero) * weight;
            }
            const float expected = static_cast<float>(sum) * (scale * weight_scale) + bias[unit];
            ASSERT_EQ(runner.output(0)[row * kUnits + unit], expected) << row << ", " << unit;
        }
    }
}

TEST(Int8, never_without_being_asked) {
    for (const auto& [name, graph] : networks()) {
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value()) << name << ": " << network.error();
        EXPECT_EQ(integer_layers(**network), 0U) << name;
    }
}

TEST(Int8, rows_that_are_not_finite_are_flagged) {
    const Graph graph = test::dense_networks().front().graph;
    const auto network = compiled(graph, calibrated(graph), 4);
    ASSERT_NE(network, nullptr);
    NetworkRunner runner(network);
    write_rows(runner, rows_for(graph, 4, 1), 0, 4);
    runner.input(0)[2 * network->inputs()[0].row_size] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(runner.run(4), RunStatus::non_finite_rows);
    EXPECT_TRUE(runner.row_is_finite(1));
    EXPECT_FALSE(runner.row_is_finite(2));
}

TEST(Int8, refuses_ranges_of_another_network_and_ranges_that_are_none) {
    const Graph graph = test::dense_networks().front().graph;
    Int8Ranges ranges = calibrated(graph);
    ranges.pop_back();
    const auto fewer = Network::compile(graph, {.int8 = ranges});
    ASSERT_FALSE(fewer.has_value());
    EXPECT_THAT(fewer.error(), HasSubstr("calibrate this network"));
    ranges.push_back({1.F, -1.F});
    const auto turned = Network::compile(graph, {.int8 = ranges});
    ASSERT_FALSE(turned.has_value());
    EXPECT_THAT(turned.error(), HasSubstr("calibrate again"));
    ranges.back() = {0.F, std::numeric_limits<float>::infinity()};
    EXPECT_FALSE(Network::compile(graph, {.int8 = ranges}).has_value());
}

TEST(Int8, calibration_refuses_rows_it_cannot_use) {
    const Graph graph = test::dense_networks().front().graph;
    EXPECT_FALSE(calibrate_int8(graph, 0, rows_for(graph, 0, 1)).has_value());
    EXPECT_FALSE(calibrate_int8(graph, 3, rows_for(graph, 2, 1)).has_value());
    auto broken = rows_for(graph, 3, 1);
    broken[0][1] = std::numeric_limits<float>::infinity();
    const auto refused = calibrate_int8(graph, 3, broken);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error(), HasSubstr("rows 1 to 3"));
    GraphBuilder net("no weights", 1);
    net.output(net.relu(net.input("x", {3})), "y");
    EXPECT_FALSE(calibrate_int8(net.build(), 1, std::vector<std::vector<float>>{{1, 2, 3}}));
}

}  // namespace
}  // namespace tamis::engine
