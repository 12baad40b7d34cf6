#include "models/vae/vae_training.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "models/vae/likelihoods.hpp"
#include "tests/models/vae/small_vae.hpp"

namespace tamis::models::vae {
namespace {

std::vector<std::size_t> all_rows(const FeatureTable& table) {
    std::vector<std::size_t> rows(table.rows());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    return rows;
}

TEST(FeatureScaling, robust_scaling_of_common_constant_and_spread_columns) {
    FeatureTable table{.columns = {"spread", "mostly_zero", "constant"}, .values = {}};
    for (int i = 0; i < 101; ++i) {
        table.values.insert(table.values.end(),
                            {static_cast<float>(i), i == 0 ? 10.0F : 0.0F, 3.0F});
    }
    const ColumnScaling scaling = robust_scaling(table);
    EXPECT_EQ(scaling.offset[0], 50);
    EXPECT_EQ(scaling.scale[0], 50);
    EXPECT_EQ(scaling.offset[1], 0);
    EXPECT_NEAR(scaling.scale[1], std::sqrt(100.0 / 101 - 100.0 / (101 * 101)), 1e-12);
    EXPECT_EQ(scaling.scale[2], 1);
}

TEST(FeatureScaling, folding_keeps_the_function) {
    engine::Tensor kernel({2, 1}, std::vector<float>{0.5F, -2});
    engine::Tensor bias({1}, std::vector<float>{0.25F});
    const ColumnScaling inputs{.offset = {10, -4}, .scale = {2, 8}};
    const auto layer = [&](double a, double b) {
        return a * kernel.values[0] + b * kernel.values[1] + bias.values[0];
    };
    const double before = layer((14.0 - 10) / 2, (12.0 + 4) / 8);
    fold_into_inputs(inputs, kernel, bias);
    EXPECT_NEAR(layer(14, 12), before, 1e-6);
    const ColumnScaling outputs{.offset = {100}, .scale = {7}};
    fold_into_outputs(outputs, kernel, bias);
    EXPECT_NEAR(layer(14, 12), 100 + 7 * before, 1e-4);
}

TEST(FeatureScaling, marginal_parameters_are_those_of_the_sample) {
    const FeatureTable table = tests::background(2000);
    const HeadScaling scaling = marginal_scaling(table);
    double sum = 0, ones = 0;
    for (std::size_t i = 0; i < table.rows(); ++i) {
        sum += table.row(i)[10];
        ones += table.row(i)[18];
    }
    EXPECT_NEAR(scaling.par1.offset[10], sum / 2000, 1e-9);
    EXPECT_NEAR(0.5 * (1 + std::tanh(scaling.par1.offset[18])), ones / 2000, 1e-3);
    for (std::size_t i = 0; i < kScaledFeatures; ++i) {
        EXPECT_GT(pisrlu(scaling.par2_raw.offset[i]), 0.04) << i;
    }
}

TEST(VaeTraining, steps_on_one_batch_lower_its_loss) {
    const FeatureTable table = tests::background(200);
    const auto training = VaeTraining::create({.mini_batch = 200}, table).value();
    const auto rows = all_rows(table);
    double before = training->mean_loss(rows, 5).value();
    for (int block = 0; block < 3; ++block) {
        for (int step = 0; step < 20; ++step) {
            ASSERT_TRUE(training->train_batch(rows, 5).has_value());
        }
        const double after = training->mean_loss(rows, 5).value();
        EXPECT_LT(after, before);
        before = after;
    }
}

TEST(VaeTraining, same_seed_gives_the_same_bits_and_another_seed_does_not) {
    const FeatureTable table = tests::background(300);
    const auto rows = all_rows(table);
    const auto weights_after_steps = [&](std::uint64_t seed) {
        VaeTrainingOptions options;
        options.seed = seed;
        options.mini_batch = 100;
        const auto training = VaeTraining::create(options, table).value();
        for (std::size_t first = 0; first < rows.size(); first += 100) {
            EXPECT_TRUE(training->train_batch(std::span(rows).subspan(first, 100), 1).has_value());
        }
        return training->weights();
    };
    const VaeWeights first = weights_after_steps(1);
    const VaeWeights second = weights_after_steps(1);
    EXPECT_TRUE(first.scoring_graph == second.scoring_graph);
    EXPECT_EQ(first.parameters.prior_mean, second.parameters.prior_mean);
    EXPECT_FALSE(first.scoring_graph == weights_after_steps(2).scoring_graph);
}

TEST(VaeTraining, prior_is_learnt) {
    const FeatureTable table = tests::background(300);
    const auto rows = all_rows(table);
    const auto training = VaeTraining::create({.mini_batch = 300}, table).value();
    const VaeParameters before = training->weights().parameters;
    EXPECT_EQ(before.prior_mean, std::vector<double>(4, 0));
    EXPECT_NEAR(before.prior_sigma[0], 2.005, 1e-12);
    ASSERT_TRUE(training->train_batch(rows, 1).has_value());
    EXPECT_NE(training->weights().parameters.prior_mean, before.prior_mean);
    EXPECT_NE(training->weights().parameters.prior_sigma, before.prior_sigma);
}

TEST(VaeTraining, exported_network_scores_as_the_training_saw) {
    // Without the divergence the mean loss is the mean nll, but for the noise of z, which the
    // training then drives down: both must come close.
    const FeatureTable table = tests::background(100);
    VaeTrainingOptions options;
    options.mini_batch = 100;
    options.beta = 0;
    const auto training = VaeTraining::create(options, table).value();
    const auto rows = all_rows(table);
    for (std::uint64_t step = 0; step < 1500; ++step) {
        ASSERT_TRUE(training->train_batch(rows, step).has_value());
    }
    const VaeWeights weights = training->weights();
    const auto model =
        make_model(make_vae_manifest("small", weights.parameters), {weights.scoring_graph}).value();
    std::vector<float> answers(table.rows() * model->score_columns().size());
    model->score_table(table.values, answers);
    double sum = 0;
    for (std::size_t i = 0; i < table.rows(); ++i) {
        sum += answers[i * model->score_columns().size()];
    }
    EXPECT_NEAR(sum / 100, training->mean_loss(rows, 1).value(), 1.0);
}

}  // namespace
}  // namespace tamis::models::vae
