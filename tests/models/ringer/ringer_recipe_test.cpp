#include "models/ringer/ringer_recipe.hpp"

#include <gtest/gtest.h>

#include "models/model_loader.hpp"
#include "models/ringer/ringer_scorer.hpp"

namespace tamis::models {
namespace {

// Two bins and few epochs: seconds.
RingerRecipe tiny_recipe() {
    RingerRecipe recipe;
    recipe.events = 1500;
    recipe.et_edges_gev = {20, 1e6};
    recipe.eta_edges = {0, 1.37, 2.5};
    recipe.least_clusters = 30;
    recipe.initialisations = 1;
    recipe.training.max_epochs = 15;
    recipe.training.patience = 5;
    return recipe;
}

TEST(RingerSamples, are_a_function_of_seed_and_run) {
    const auto first = make_ringer_samples(5, 1, 50);
    const auto again = make_ringer_samples(5, 1, 50);
    const auto other = make_ringer_samples(6, 1, 50);
    ASSERT_EQ(first.size(), again.size());
    ASSERT_FALSE(first.empty());
    for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_EQ(first[i].rings, again[i].rings);
    }
    EXPECT_NE(first[0].rings, other[0].rings);
}

TEST(RingerSamples, rings_of_electrons_hold_the_energy_of_their_cluster) {
    double ratio = 0;
    int count = 0;
    for (const RingerSample& sample : make_ringer_samples(5, 1, 400)) {
        if (sample.is_electron && sample.et > 20) {
            double sum = 0;
            for (const float ring : sample.rings) {
                sum += ring;
            }
            ratio += sum / sample.et;
            ++count;
        }
    }
    ASSERT_GT(count, 20);
    EXPECT_NEAR(ratio / count, 1.05, 0.15);  // published median .996, neighbours add to the mean
}

TEST(RingerRecipe, makes_a_model_that_tells_electrons_from_jets) {
    std::vector<std::string> lines;
    const auto trained =
        train_ringer(tiny_recipe(), [&](const std::string& line) { lines.push_back(line); });
    ASSERT_TRUE(trained.has_value()) << trained.error();
    EXPECT_EQ(trained->manifest.networks.size(), 2U);
    EXPECT_EQ(trained->manifest.provenance.report, lines);
    ASSERT_EQ(trained->manifest.working_points.size(), 4U);
    const WorkingPoint& medium = trained->manifest.working_points[1];
    EXPECT_EQ(medium.name, "medium");
    EXPECT_GT(medium.signal_efficiency, 0.85);
    EXPECT_LT(medium.background_fraction, 0.3);
    for (const ThresholdBin& bin : medium.bins) {
        EXPECT_LE(bin.slope, 0.0);
    }
    const auto model = load_model(trained->manifest, trained->networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    EXPECT_FALSE(trained->manifest.golden.empty());
}

TEST(RingerRecipe, gives_the_same_bytes_again) {
    const auto first = train_ringer(tiny_recipe(), {});
    const auto again = train_ringer(tiny_recipe(), {});
    ASSERT_TRUE(first.has_value() && again.has_value());
    EXPECT_EQ(first->networks, again->networks);
    EXPECT_EQ(first->manifest.provenance.report, again->manifest.provenance.report);
    EXPECT_EQ(first->manifest.working_points[0].bins[0].offset,
              again->manifest.working_points[0].bins[0].offset);
}

TEST(RingerRecipe, refuses_bins_without_clusters_and_edges_that_fall) {
    RingerRecipe poor = tiny_recipe();
    poor.events = 20;
    const auto too_few = train_ringer(poor, {});
    ASSERT_FALSE(too_few.has_value());
    EXPECT_THAT(too_few.error(), testing::HasSubstr("more events"));
    RingerRecipe wrong = tiny_recipe();
    wrong.eta_edges = {0, 1.37, 1.0};
    const auto falling = train_ringer(wrong, {});
    ASSERT_FALSE(falling.has_value());
    EXPECT_THAT(falling.error(), testing::HasSubstr("rise"));
}

}  // namespace
}  // namespace tamis::models
