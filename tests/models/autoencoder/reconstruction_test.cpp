#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/random.hpp"
#include "models/autoencoder/reconstruction_loss.hpp"
#include "models/autoencoder/reconstruction_recipe.hpp"
#include "models/calibration.hpp"
#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

// Two columns that are the same but for a little noise; `other`: the second has the wrong sign.
FeatureTable correlated_rows(std::size_t rows, std::uint64_t seed, bool other) {
    FeatureTable table{.columns = {"first", "second"}, .values = {}};
    for (std::size_t row = 0; row < rows; ++row) {
        const float value = engine::random_normal(seed, 1, row);
        const float noise = 0.1F * engine::random_normal(seed, 2, row);
        table.values.push_back(100 + 10 * value);
        table.values.push_back((other ? -value : value) + noise);
    }
    return table;
}

ReconstructionRecipe recipe_of(ReconstructionKind kind) {
    ReconstructionRecipe recipe;
    recipe.name = "small";
    recipe.training.kind = kind;
    recipe.training.most_epochs = 40;
    return recipe;
}

std::vector<float> scores_of(const ModelFiles& files, const FeatureTable& table) {
    const auto model = load_model(files.manifest, files.networks);
    EXPECT_TRUE(model) << model.error();
    const std::size_t width = (*model)->score_columns().size();
    std::vector<float> answers(width * table.rows());
    (*model)->score_table(table.values, answers);
    std::vector<float> scores;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        scores.push_back(answers[row * width]);
    }
    return scores;
}

TEST(GaussianReconstructionLoss, GradientIsTheDerivative) {
    const GaussianReconstructionLoss loss(2, 1, 0.7);
    std::vector<float> output = {0.3F, -0.8F, 0.5F, 0.4F, 1.2F, 0.1F, -0.9F, 0.8F};
    const std::vector<float> target = {0.1F, 0.2F, 1.0F, -1.0F};
    std::vector<float> gradient(output.size()), ignored(output.size());
    const auto value = [&](std::span<float> to) {
        return loss.evaluate({output, target, {}, 2, 4}, to);
    };
    value(gradient);
    constexpr float kStep = 1e-3F;
    for (std::size_t i = 0; i < output.size(); ++i) {
        const float kept = output[i];
        output[i] = kept + kStep;
        const double above = value(ignored);
        output[i] = kept - kStep;
        const double below = value(ignored);
        output[i] = kept;
        EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 2e-4) << "output " << i;
    }
}

class Reconstruction : public testing::TestWithParam<ReconstructionKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Reconstruction,
                         testing::Values(ReconstructionKind::denoising,
                                         ReconstructionKind::gaussian));

TEST_P(Reconstruction, FindsRowsThatBreakTheCorrelation) {
    const auto files = train_reconstruction_model(recipe_of(GetParam()),
                                                  correlated_rows(1000, 1, false), "rows", {});
    ASSERT_TRUE(files) << files.error();
    EXPECT_EQ(files->manifest.kind, "onnx");
    EXPECT_FALSE(files->manifest.golden.empty());
    EXPECT_GT(roc_area(scores_of(*files, correlated_rows(500, 2, false)),
                       scores_of(*files, correlated_rows(500, 3, true))),
              0.6);
}

TEST_P(Reconstruction, SameSeedGivesTheSameBytes) {
    const FeatureTable table = correlated_rows(200, 1, false);
    auto recipe = recipe_of(GetParam());
    const auto first = train_reconstruction_model(recipe, table, "rows", {});
    const auto second = train_reconstruction_model(recipe, table, "rows", {});
    recipe.training.seed = 2;
    const auto other = train_reconstruction_model(recipe, table, "rows", {});
    ASSERT_TRUE(first && second && other);
    EXPECT_EQ(first->networks, second->networks);
    EXPECT_EQ(first->manifest.provenance.report, second->manifest.provenance.report);
    EXPECT_NE(first->networks, other->networks);
}

TEST_P(Reconstruction, RefusesAHandfulOfRows) {
    const auto files =
        train_reconstruction_model(recipe_of(GetParam()), correlated_rows(2, 1, false), "rows", {});
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error(), testing::HasSubstr("2 rows"));
}

}  // namespace
}  // namespace tamis::models
