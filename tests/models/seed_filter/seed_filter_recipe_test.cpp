#include "models/seed_filter/seed_filter_recipe.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "models/model_loader.hpp"
#include "models/seed_filter/doublet_samples.hpp"

namespace tamis::models {
namespace {

SeedFilterRecipe tiny_recipe() {
    SeedFilterRecipe recipe;
    recipe.training_doublets = 3000;
    recipe.calibration_doublets = 600;
    recipe.test_doublets = 600;
    recipe.shape = {4, 4, 16, 8};
    recipe.mini_batch = 32;
    recipe.learning_rate = 0.005F;
    recipe.max_epochs = 6;
    recipe.prefilter = {.shape = {16, 8}, .max_epochs = 4};
    recipe.turned_copies = 1;
    return recipe;
}

TEST(SeedFilterRecipe, makes_a_model_that_prefers_true_doublets) {
    std::vector<std::string> lines;
    const auto trained =
        train_seed_filter(tiny_recipe(), [&](const std::string& line) { lines.push_back(line); });
    ASSERT_TRUE(trained.has_value()) << trained.error();
    const auto& report = trained->manifest.provenance.report;
    ASSERT_EQ(report.size(), lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_TRUE(lines[i].starts_with(report[i])) << lines[i] << " // " << report[i];
    }
    ASSERT_EQ(trained->manifest.working_points.size(), 3U);
    EXPECT_EQ(trained->manifest.working_points[1].name, "medium");
    EXPECT_GT(trained->manifest.working_points[0].signal_efficiency, 0.6);
    EXPECT_NEAR(trained->manifest.working_points[0].background_fraction, 0.5, 0.02);
    const auto model = load_model(trained->manifest, trained->networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    EXPECT_FALSE(trained->manifest.golden.empty());
}

// On the sample it was set on: half of the fakes go, unless more than 1 in 1000 true ones went.
TEST(SeedFilterRecipe, sets_the_prefilter_on_the_calibration_sample) {
    const auto trained = train_seed_filter(tiny_recipe(), {});
    ASSERT_TRUE(trained.has_value()) << trained.error();
    ASSERT_EQ(trained->manifest.networks.size(), 2U);
    EXPECT_EQ(trained->manifest.networks[1].file, "prefilter.onnx");
    const auto model = load_model(trained->manifest, trained->networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    const SeedFilterRecipe recipe = tiny_recipe();
    const DoubletSamples samples =
        make_doublet_samples(recipe.seed, recipe.run + 1, recipe.calibration_doublets);
    std::array<std::size_t, 2> all{}, rejected{};
    std::vector<float> answer((*model)->score_columns().size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        (*model)->score_table(table_row_of(doublet_at(samples.view(), i)), answer);
        ++all.at(samples.is_true[i]);
        rejected.at(samples.is_true[i]) += answer[0] < 0 ? 1 : 0;
    }
    EXPECT_LE(rejected[1], all[1] / 1000);
    EXPECT_LE(2 * rejected[0], all[0] + 1);
    const bool is_half = 2 * rejected[0] + 2 >= all[0];
    const bool loses_all_it_may = rejected[1] == all[1] / 1000;
    EXPECT_TRUE(is_half || loses_all_it_may) << rejected[0] << " of " << all[0];
    EXPECT_GT(rejected[0], all[0] / 10);
}

TEST(SeedFilterRecipe, resumed_from_a_checkpoint_gives_the_same_files) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("tamis_seed_filter_checkpoint_" + std::to_string(::getpid()));
    const auto straight = train_seed_filter(tiny_recipe(), {});
    SeedFilterRecipe interrupted = tiny_recipe();
    interrupted.checkpoint = path;
    interrupted.max_epochs = 2;
    ASSERT_TRUE(train_seed_filter(interrupted, {}).has_value());
    interrupted.max_epochs = tiny_recipe().max_epochs;
    const auto resumed = train_seed_filter(interrupted, {});
    std::filesystem::remove(path);
    ASSERT_TRUE(straight.has_value() && resumed.has_value());
    EXPECT_EQ(resumed->networks, straight->networks);
    EXPECT_EQ(resumed->manifest.provenance.report, straight->manifest.provenance.report);
}

TEST(SeedFilterRecipe, gives_the_same_bytes_again) {
    const auto first = train_seed_filter(tiny_recipe(), {});
    const auto again = train_seed_filter(tiny_recipe(), {});
    ASSERT_TRUE(first.has_value() && again.has_value());
    EXPECT_EQ(first->networks, again->networks);
    EXPECT_EQ(first->manifest.provenance.report, again->manifest.provenance.report);
}

TEST(SeedFilterRecipe, refuses_samples_too_small) {
    SeedFilterRecipe poor = tiny_recipe();
    poor.test_doublets = 10;
    const auto refused = train_seed_filter(poor, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error(), testing::HasSubstr("at least 200"));
}

}  // namespace
}  // namespace tamis::models
