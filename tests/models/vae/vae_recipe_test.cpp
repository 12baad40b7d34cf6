#include "models/vae/vae_recipe.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

VaeSamples few_events() {
    return synthetic_vae_samples(
        {.seed = 5, .training = 3000, .calibration = 3000, .each_signal = 500});
}

VaeRecipe short_recipe() {
    VaeRecipe recipe;
    recipe.name = "short";
    recipe.max_epochs = 3;
    recipe.training.mini_batch = 100;
    recipe.working_points = {{"loose", 1e-2}, {"tight", 1e-5}};
    return recipe;
}

TEST(VaeRecipe, loss_falls_and_the_files_make_a_model) {
    std::vector<VaeEpoch> epochs;
    const auto files = train_vae(short_recipe(), few_events(),
                                 [&epochs](const VaeEpoch& epoch) { epochs.push_back(epoch); });
    ASSERT_TRUE(files.has_value()) << files.error();
    ASSERT_EQ(epochs.size(), 3U);
    EXPECT_LT(epochs[2].training_loss, 0.9 * epochs[0].training_loss);
    EXPECT_LT(epochs[2].validation_loss, epochs[0].validation_loss);

    const auto model = load_model(files->manifest, files->networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    EXPECT_EQ(files->manifest.golden.size(), 10U);
    // 1e-5 of 3000 events is less than one: that point is extrapolated and marked so.
    ASSERT_EQ(files->manifest.working_points.size(), 2U);
    EXPECT_FALSE(files->manifest.working_points[0].bins[0].extrapolated);
    EXPECT_TRUE(files->manifest.working_points[1].bins[0].extrapolated);
    EXPECT_GT(files->manifest.working_points[1].bins[0].offset,
              files->manifest.working_points[0].bins[0].offset);
    const WorkingPoint& loose = files->manifest.working_points[0];
    EXPECT_EQ(loose.background_fraction, 0.01);
    EXPECT_GT(loose.signal_efficiency, 0.05);
    const auto& report = files->manifest.provenance.report;
    EXPECT_TRUE(std::any_of(report.begin(), report.end(), [](const std::string& line) {
        return line.find("tight: extrapolated: tail of 99 of 3000") != std::string::npos;
    }));
    EXPECT_EQ(files->manifest.provenance.seed, 1U);
}

TEST(VaeRecipe, resumed_from_a_checkpoint_gives_the_same_files) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("tamis_vae_checkpoint_" + std::to_string(::getpid()));
    const VaeSamples samples = few_events();
    const auto straight = train_vae(short_recipe(), samples, {}).value();
    VaeRecipe interrupted = short_recipe();
    interrupted.checkpoint = path;
    for (const std::size_t epochs : {1U, 2U, 3U}) {
        interrupted.max_epochs = epochs;
        std::size_t run = 0;
        const auto part =
            train_vae(interrupted, samples, [&run](const VaeEpoch&) { ++run; }).value();
        EXPECT_EQ(run, 1U) << "only the epoch that was missing";
        EXPECT_EQ(part.networks == straight.networks, epochs == 3);
        if (epochs == 3) {
            EXPECT_EQ(part.manifest.provenance.report, straight.manifest.provenance.report);
        }
    }
    interrupted.training.seed = 2;
    const auto other = train_vae(interrupted, samples, {});
    std::filesystem::remove(path);
    ASSERT_FALSE(other.has_value());
    EXPECT_NE(other.error().find("seed"), std::string::npos) << other.error();
}

TEST(VaeRecipe, same_seed_gives_the_same_bytes) {
    VaeRecipe recipe = short_recipe();
    recipe.max_epochs = 1;
    const VaeSamples samples = few_events();
    const auto first = train_vae(recipe, samples, {}).value();
    const auto second = train_vae(recipe, samples, {}).value();
    EXPECT_EQ(first.networks, second.networks);
    EXPECT_EQ(first.manifest.provenance.report, second.manifest.provenance.report);
    recipe.training.seed = 2;
    EXPECT_NE(train_vae(recipe, samples, {}).value().networks, first.networks);
}

TEST(VaeRecipe, samples_of_runs_never_meet) {
    const VaeSamples samples = few_events();
    EXPECT_FALSE(samples.training.values == samples.calibration.values);
    EXPECT_EQ(samples.signals.size(), 4U);
    EXPECT_EQ(samples.signals[0].name, "a_to_4l");
    const VaeSamples again = few_events();
    EXPECT_EQ(samples.training.values, again.training.values);
}

TEST(VaeRecipe, bad_tables_are_refused_by_row_and_column) {
    const auto refusal = [](auto&& change) {
        VaeSamples samples = few_events();
        change(samples);
        const auto files = train_vae(short_recipe(), samples, {});
        return files ? "" : files.error();
    };
    EXPECT_NE(refusal([](VaeSamples& samples) {
                  samples.training.values[21 * 7 + 12] = std::numeric_limits<float>::quiet_NaN();
              }).find("training sample: row 8, column 'MT' is not finite"),
              std::string::npos);
    EXPECT_NE(refusal([](VaeSamples& samples) {
                  samples.calibration.columns[0] = "ht";
              }).find("calibration sample: column 'HT' is missing; there are ht, allJetMass"),
              std::string::npos);
    EXPECT_NE(refusal([](VaeSamples& samples) {
                  samples.signals[1].table.values.resize(21 * 3);
              }).find("signal 'lq_to_b_tau': 3 events"),
              std::string::npos);
}

TEST(VaeRecipe, columns_are_found_by_name_in_any_order) {
    FeatureTable table{.columns = {"b", "a"}, .values = {1, 2, 3, 4}};
    const std::vector<std::string_view> names = {"a", "b"};
    const auto selected = select_columns(table, names).value();
    EXPECT_THAT(selected.values, testing::ElementsAre(2, 1, 4, 3));
    table.columns[1] = "b";
    EXPECT_NE(select_columns(table, std::span(names).subspan(1)).error().find("there twice"),
              std::string::npos);
}

}  // namespace
}  // namespace tamis::models
