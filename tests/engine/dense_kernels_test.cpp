// The vector code of dense layers against sums in double, on every instruction set this processor
// has.
#include "engine/dense_kernels.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/dense_bank.hpp"
#include "engine/network.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

// Makes only one instruction set available for a while.
class OnlyTarget {
 public:
    explicit OnlyTarget(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    ~OnlyTarget() {
        hwy::SetSupportedTargetsForTest(0);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    OnlyTarget(const OnlyTarget&) = delete;
    OnlyTarget& operator=(const OnlyTarget&) = delete;
};

std::vector<std::int64_t> targets() {
    std::vector<std::int64_t> all;
    std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS;
    for (; left != 0; left &= left - 1) all.push_back(left & -left);
    return all;
}

double applied(DenseFunction function, double x, double slope) {
    switch (function) {
        case DenseFunction::relu:
            return x > 0.0 ? x : slope * x;
        case DenseFunction::tanh:
            return std::tanh(x);
        case DenseFunction::sigmoid:
            return 1.0 / (1.0 + std::exp(-x));
        default:
            return x;
    }
}

struct Layer {
    std::size_t inputs;
    std::size_t units;
    std::size_t first_source;  // columns of the first of two sources
    DenseFunction function;
    float slope;
};

constexpr std::size_t kRows = 70;

class LayerCheck {
 public:
    LayerCheck(const Layer& layer, std::uint64_t seed)
        : layer_(layer),
          x_(kRows * layer.inputs),
          w_(layer.inputs * layer.units),
          bias_(layer.units),
          packed_(dense_kernels().packed_floats(layer.inputs, layer.units)) {
        for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = random_normal(seed, 0, i);
        for (std::size_t i = 0; i < w_.size(); ++i) w_[i] = random_normal(seed, 1, i) / 8.F;
        for (std::size_t i = 0; i < bias_.size(); ++i) bias_[i] = random_normal(seed, 2, i);
        std::copy(bias_.begin(), bias_.end(), packed_.begin());
        for (std::size_t in = 0; in < layer.inputs; ++in) {
            for (std::size_t unit = 0; unit < layer.units; ++unit) {
                packed_.at(dense_kernels().weight_index(layer.inputs, layer.units, in, unit)) =
                    w_[in * layer.units + unit];
            }
        }
    }

    // Rows [first, first + rows) into memory of exactly their size.
    std::vector<float> results(std::size_t first, std::size_t rows) const {
        const float* from = x_.data() + first * layer_.inputs;
        const DenseSource sources[] = {
            {from, layer_.inputs, layer_.first_source},
            {from + layer_.first_source, layer_.inputs, layer_.inputs - layer_.first_source}};
        std::vector<float> results(rows * layer_.units + 1, 77.F);
        dense_kernels().dense({sources,
                               layer_.inputs,
                               layer_.units,
                               packed_.data(),
                               layer_.function,
                               layer_.slope,
                               {results.data(), layer_.units, false},
                               rows});
        EXPECT_EQ(results.back(), 77.F) << "wrote beyond the last result";
        results.pop_back();
        return results;
    }

    // So many blocks of rows, from the first one on, as columns; something lies between the blocks.
    std::vector<float> block_results(std::size_t first, std::size_t blocks) const {
        const DenseKernels& kernels = dense_kernels();
        const std::size_t stride = (layer_.inputs + layer_.units + 1) * kernels.block_rows;
        FloatBuffer columns(blocks * stride);
        for (std::size_t block = 0; block < blocks; ++block) {
            const float* from = x_.data() + (first + block * kernels.block_rows) * layer_.inputs;
            kernels.to_columns({from, layer_.inputs, layer_.inputs},
                               columns.data() + block * stride);
        }
        float* second = columns.data() + layer_.first_source * kernels.block_rows;
        float* result = columns.data() + layer_.inputs * kernels.block_rows;
        const DenseSource sources[] = {{columns.data(), stride, layer_.first_source},
                                       {second, stride, layer_.inputs - layer_.first_source}};
        kernels.dense_columns({sources,
                               layer_.inputs,
                               layer_.units,
                               packed_.data(),
                               layer_.function,
                               layer_.slope,
                               {result, stride, false},
                               blocks * kernels.block_rows});
        std::vector<float> rows(blocks * kernels.block_rows * layer_.units + 1, 77.F);
        for (std::size_t block = 0; block < blocks; ++block) {
            float* to = rows.data() + block * kernels.block_rows * layer_.units;
            kernels.to_rows(result + block * stride, {to, layer_.units, false}, layer_.units);
        }
        EXPECT_EQ(rows.back(), 77.F) << "wrote beyond the last result";
        rows.pop_back();
        return rows;
    }

    void expect_right_sums() const {
        const std::vector<float> got = results(0, kRows);
        for (std::size_t row = 0; row < kRows; ++row) {
            for (std::size_t unit = 0; unit < layer_.units; ++unit) {
                double sum = bias_[unit];
                double size = std::abs(sum);
                for (std::size_t in = 0; in < layer_.inputs; ++in) {
                    const double term = static_cast<double>(x_[row * layer_.inputs + in]) *
                                        w_[in * layer_.units + unit];
                    sum += term;
                    size += std::abs(term);
                }
                ASSERT_NEAR(got[row * layer_.units + unit],
                            applied(layer_.function, sum, layer_.slope), 1e-6 * (size + 1.0))
                    << "row " << row << " unit " << unit;
            }
        }
    }

    void expect_rows_alone_give_the_same() const {
        const std::vector<float> all = results(0, kRows);
        for (std::size_t rows = 1; rows <= 14; ++rows) {
            const std::size_t first = (rows * 7) % (kRows - rows);
            const std::vector<float> some = results(first, rows);
            ASSERT_EQ(std::memcmp(some.data(), all.data() + first * layer_.units,
                                  some.size() * sizeof(float)),
                      0)
                << rows << " rows from " << first;
        }
    }

    void expect_blocks_give_the_same() const {
        const std::size_t block_rows = dense_kernels().block_rows;
        if (block_rows == 0) return;
        for (std::size_t blocks = 1; blocks * block_rows <= kRows; ++blocks) {
            const std::size_t first = kRows - blocks * block_rows;
            const std::vector<float> block = block_results(first, blocks);
            const std::vector<float> rows = results(first, blocks * block_rows);
            ASSERT_EQ(std::memcmp(block.data(), rows.data(), rows.size() * sizeof(float)), 0)
                << blocks << " blocks from row " << first;
        }
    }

 private:
    Layer layer_;
    std::vector<float> x_;
    std::vector<float> w_;
    std::vector<float> bias_;
    FloatBuffer packed_;
};

Layer layer_of(std::uint64_t seed) {
    const auto below = [&](std::uint64_t counter, std::size_t limit) {
        return static_cast<std::size_t>(random_uniform(seed, 9, counter) *
                                        static_cast<float>(limit));
    };
    Layer layer{1 + below(0, 130), 1 + below(1, seed % 3 == 0 ? 9 : 200), 0, DenseFunction::none,
                0.F};
    layer.first_source = below(2, layer.inputs + 1);
    constexpr DenseFunction kFunctions[] = {DenseFunction::none, DenseFunction::relu,
                                            DenseFunction::tanh, DenseFunction::sigmoid,
                                            DenseFunction::softmax};
    layer.function = kFunctions[below(3, 5)];
    if (below(4, 2) == 1) layer.slope = 0.1F;
    return layer;
}

TEST(DenseKernels, give_the_sums_of_any_layer_for_any_number_of_rows) {
    for (const std::int64_t target : targets()) {
        const OnlyTarget only(target);
        SCOPED_TRACE(dense_kernels().instruction_set);
        for (std::uint64_t seed = 0; seed < 150; ++seed) {
            const Layer layer = layer_of(seed);
            SCOPED_TRACE("seed " + std::to_string(seed) + ": " + std::to_string(layer.inputs) +
                         " inputs, " + std::to_string(layer.units) + " units");
            const LayerCheck check(layer, seed);
            if (layer.function != DenseFunction::softmax) check.expect_right_sums();
            check.expect_blocks_give_the_same();
            check.expect_rows_alone_give_the_same();
            if (::testing::Test::HasFatalFailure()) return;
        }
    }
}

TEST(DenseKernels, know_more_than_one_instruction_set_here) {
    EXPECT_GE(targets().size(), 2U);
    const OnlyTarget last(targets().back());
    EXPECT_NE(std::strlen(dense_kernels().instruction_set), 0U);
}

TEST(DenseKernels, tanh_and_sigmoid_are_right_to_single_precision) {
    for (const std::int64_t target : targets()) {
        const OnlyTarget only(target);
        SCOPED_TRACE(dense_kernels().instruction_set);
        std::vector<float> x;
        for (float value = 1e-6F; value < 3e38F; value *= 1.003F) {
            x.push_back(value);
            x.push_back(-value);
        }
        for (const DenseFunction function : {DenseFunction::tanh, DenseFunction::sigmoid}) {
            std::vector<float> y = x;
            dense_kernels().apply(function, 0.F, {y.data(), y.size(), false}, y.size(), 1);
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double wanted = applied(function, x[i], 0.0);
                // Below the smallest normal number digits go missing.
                ASSERT_NEAR(y[i], wanted, 4e-7 * std::abs(wanted) + 1.2e-38) << x[i];
            }
        }
    }
}

TEST(DenseKernels, softmax_is_stable_for_large_values) {
    std::vector<float> y = {1000.F, 1001.F, 999.F};
    dense_kernels().apply(DenseFunction::softmax, 0.F, {y.data(), 3, false}, 3, 1);
    EXPECT_NEAR(y[0], 0.24472847, 1e-6);
    EXPECT_NEAR(y[1], 0.66524096, 1e-6);
    EXPECT_NEAR(y[2], 0.09003057, 1e-6);
}

TEST(AllFinite, finds_a_value_at_any_place) {
    for (const std::int64_t target : targets()) {
        const OnlyTarget only(target);
        for (std::size_t count = 0; count < 200; ++count) {
            std::vector<float> values(count, -3e38F);
            EXPECT_TRUE(all_finite(values)) << count;
            for (std::size_t i = 0; i < count; ++i) {
                for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                                        std::numeric_limits<float>::infinity(),
                                        -std::numeric_limits<float>::infinity()}) {
                    values[i] = bad;
                    EXPECT_FALSE(all_finite(values)) << i << " of " << count;
                }
                values[i] = 1.F;
            }
        }
    }
}

Graph ringer(std::uint64_t seed, std::int64_t hidden) {
    GraphBuilder net("ringer", seed);
    const GraphValue h = net.tanh(net.dense(net.input("rings", {100}), hidden, "hidden"));
    net.output(net.dense(h, 1, "discriminant"), "score");
    return net.build();
}

TEST(DenseBank, gives_the_bits_of_the_network_each_row_picks) {
    std::vector<Graph> graphs;
    for (std::uint64_t i = 0; i < 12; ++i) graphs.push_back(ringer(i, i % 3 == 0 ? 8 : 5));
    const auto bank = DenseBank::make(graphs);
    ASSERT_TRUE(bank.has_value()) << bank.error();
    EXPECT_EQ((*bank)->size(), 12U);
    const auto random = test::random_rows(50 * 100, 3);
    const std::vector<float> rows(random.begin(), random.end());
    std::vector<std::uint32_t> picks;
    for (std::uint32_t row = 0; row < 50; ++row) picks.push_back(row * 7 % 12);
    std::vector<float> scores(50);
    (*bank)->score(rows, picks, scores);
    for (std::size_t row = 0; row < 50; ++row) {
        NetworkRunner runner(Network::compile(graphs[picks[row]]).value());
        std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(row * 100), 100,
                    runner.input(0).begin());
        ASSERT_EQ(runner.run(1), RunStatus::ok);
        EXPECT_EQ(std::memcmp(&scores[row], runner.output(0).data(), sizeof(float)), 0) << row;
    }
}

TEST(DenseBank, refuses_what_does_not_belong_together) {
    EXPECT_NE(DenseBank::make({}).error().find("without networks"), std::string::npos);
    GraphBuilder other("other", 1);
    other.output(other.dense(other.input("x", {50}), 1, "d"), "y");
    const std::vector<Graph> widths = {ringer(1, 5), other.build()};
    EXPECT_NE(DenseBank::make(widths).error().find("network 1 of the bank: maps 50"),
              std::string::npos);
    const auto convolution = DenseBank::accepts(test::convolution_networks()[0].graph);
    ASSERT_FALSE(convolution.has_value());
    EXPECT_NE(convolution.error().find("bank"), std::string::npos) << convolution.error();
}

}  // namespace
}  // namespace tamis::engine
