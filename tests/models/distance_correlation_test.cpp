#include "models/distance_correlation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/random.hpp"
#include "models/autoencoder/reconstruction_loss.hpp"
#include "models/autoencoder/reconstruction_recipe.hpp"
#include "models/vae/vae_recipe.hpp"

namespace tamis::models {
namespace {

std::vector<double> normals(std::uint64_t stream, std::size_t count) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = engine::random_normal(5, stream, i);
    return values;
}

std::vector<float> floats_of(const std::vector<double>& values) {
    return {values.begin(), values.end()};
}

TEST(DistanceCorrelation, linear_is_one_constant_is_zero_independent_is_small) {
    DistanceCorrelation correlation(1000);
    const auto values = normals(1, 1000);
    std::vector<double> turned;
    for (const double value : values) turned.push_back(3 - 2 * value);
    EXPECT_NEAR(correlation.evaluate(turned, floats_of(values), {}), 1, 1e-6);
    std::vector<double> gradient(1000, 7);
    EXPECT_EQ(correlation.evaluate(values, std::vector<float>(1000, 2), gradient), 0);
    EXPECT_EQ(gradient, std::vector<double>(1000));
    EXPECT_LT(correlation.evaluate(values, floats_of(normals(2, 1000)), {}), 0.01);
    // Uncorrelated by symmetry, but far from independent.
    std::vector<double> squares;
    for (const double value : values) squares.push_back(value * value);
    EXPECT_GT(correlation.evaluate(squares, floats_of(values), {}), 0.1);
}

// Three points by hand: a = |x_i - x_j| of 0, 1, 3 and b of 0, 2, 2.
TEST(DistanceCorrelation, value_of_three_points) {
    const std::vector<double> x = {0, 1, 3};
    const std::vector<float> y = {0, 2, 2};
    // Sums of products of the doubly centred distances, times nine: 48, 96 and 64.
    EXPECT_NEAR(DistanceCorrelation(3).evaluate(x, y, {}), 48 / std::sqrt(96.0 * 64), 1e-12);
}

TEST(DistanceCorrelation, gradient_is_the_derivative) {
    auto scores = normals(3, 40);
    std::vector<float> others;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        others.push_back(static_cast<float>(scores[i] * scores[i]) +
                         engine::random_normal(5, 4, i));
    }
    DistanceCorrelation correlation(40);
    std::vector<double> gradient(40);
    static_cast<void>(correlation.evaluate(scores, others, gradient));
    double largest = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        constexpr double kStep = 1e-6;
        const double kept = scores[i];
        scores[i] = kept + kStep;
        const double above = correlation.evaluate(scores, others, {});
        scores[i] = kept - kStep;
        const double below = correlation.evaluate(scores, others, {});
        scores[i] = kept;
        EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-7) << i;
        largest = std::max(largest, std::abs(gradient[i]));
    }
    EXPECT_GT(largest, 1e-3);
}

TEST(DecorrelatedReconstructionLoss, gradient_is_the_derivative) {
    constexpr std::size_t kRows = 12, kWidth = 2;
    std::vector<float> output = floats_of(normals(6, kRows * kWidth));
    const std::vector<float> target = floats_of(normals(7, kRows * (kWidth + 1)));
    const DecorrelatedReconstructionLoss loss(3);
    std::vector<float> gradient(output.size()), ignored(output.size());
    const auto value = [&](std::span<float> to) {
        return loss.evaluate({output, target, {}, kRows, kWidth}, to);
    };
    static_cast<void>(value(gradient));
    for (std::size_t i = 0; i < output.size(); ++i) {
        constexpr float kStep = 1e-3F;
        const float kept = output[i];
        output[i] = kept + kStep;
        const double above = value(ignored);
        output[i] = kept - kStep;
        const double below = value(ignored);
        output[i] = kept;
        EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 2e-3) << i;
    }
    EXPECT_EQ(loss.target_width(kWidth), kWidth + 1);
}

double reported_correlation(const std::vector<std::string>& report) {
    for (const std::string& line : report) {
        if (line.starts_with("squared distance correlation")) {
            return std::stod(line.substr(line.find(": ") + 2));
        }
    }
    return NAN;
}

// The second column is wider where the nuisance is high: so are the errors, unless that is
// punished.
TEST(Decorrelation, an_autoencoder_forgets_the_nuisance) {
    FeatureTable table{.columns = {"first", "second", "third"}, .values = {}};
    ReconstructionRecipe recipe;
    recipe.name = "small";
    for (std::size_t row = 0; row < 4000; ++row) {
        const float nuisance = std::abs(engine::random_normal(8, 1, row));
        const float first = engine::random_normal(8, 2, row);
        table.values.insert(table.values.end(),
                            {first, engine::random_normal(8, 3, row) * (0.2F + nuisance),
                             engine::random_normal(8, 4, row)});
        recipe.nuisance.push_back(nuisance);
    }
    recipe.nuisance_name = "width";
    recipe.training.most_epochs = 30;
    const auto correlation_at = [&](double weight) {
        recipe.training.decorrelation = weight;
        const auto files = train_reconstruction_model(recipe, table, "test", {});
        EXPECT_TRUE(files) << files.error();
        return reported_correlation(files->manifest.provenance.report);
    };
    const double without = correlation_at(0);
    const double with = correlation_at(30);
    EXPECT_GT(without, 0.02);
    EXPECT_LT(with, 0.5 * without);
}

// So heavy a penalty is nearly all of the loss: steps lower it only along its own gradient.
TEST(Decorrelation, steps_of_a_vae_lower_the_penalised_loss) {
    const FeatureTable table =
        synthetic_features(7, 1, 1, 400, streams::EventMix::standard_model());
    std::vector<float> jets;
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        jets.push_back(table.row(row)[14]);
        rows.push_back(row);
    }
    const auto training =
        vae::VaeTraining::create(
            {.mini_batch = 400, .decorrelation = {.weight = 1e4, .of = jets, .name = "jets"}},
            table)
            .value();
    double before = training->mean_loss(rows, 5).value();
    const double first = before;
    for (int block = 0; block < 3; ++block) {
        for (int step = 0; step < 20; ++step) {
            ASSERT_TRUE(training->train_batch(rows, 5).has_value());
        }
        const double after = training->mean_loss(rows, 5).value();
        EXPECT_LT(after, before) << block;
        before = after;
    }
    EXPECT_LT(before, 0.5 * first) << first;
}

TEST(Decorrelation, a_vae_is_trained_towards_independence_and_needs_the_nuisance) {
    VaeSamples samples = synthetic_vae_samples({.seed = 5,
                                                .training = 6000,
                                                .calibration = 3000,
                                                .each_signal = 200,
                                                .with_pileup = true});
    // Something the score depends on strongly.
    const auto jets_of = [](const FeatureTable& table) {
        std::vector<float> jets;
        for (std::size_t row = 0; row < table.rows(); ++row) jets.push_back(table.row(row)[14]);
        return jets;
    };
    ASSERT_EQ(samples.nuisance, "average_mu");
    ASSERT_EQ(samples.training_nuisance.size(), 6000U);
    EXPECT_GT(samples.training_nuisance[0], 5);
    samples.training_nuisance = jets_of(samples.training);
    samples.calibration_nuisance = jets_of(samples.calibration);
    VaeRecipe recipe;
    recipe.max_epochs = 12;
    recipe.training.mini_batch = 1000;
    recipe.training.learning_rate = 3e-3F;
    const auto correlation_at = [&](double weight) {
        recipe.decorrelation = weight;
        const auto files = train_vae(recipe, samples, {});
        EXPECT_TRUE(files) << files.error();
        return reported_correlation(files->manifest.provenance.report);
    };
    const double without = correlation_at(0);
    const double with = correlation_at(100);
    EXPECT_LT(with, 0.5 * without) << without;
    samples.training_nuisance.pop_back();
    const auto refused = train_vae(recipe, samples, {});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("a value a row"), std::string::npos) << refused.error();
}

}  // namespace
}  // namespace tamis::models
