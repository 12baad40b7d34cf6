#include "models/ringer/ringer_recipe.hpp"

#include <gtest/gtest.h>

#include <span>

#include "engine/onnx_reader.hpp"
#include "models/model_loader.hpp"
#include "models/ringer/cut_selection.hpp"
#include "models/ringer/ringer_scorer.hpp"
#include "models/ringer/ringer_settings.hpp"

namespace tamis::models {
namespace {

// Two bins and few epochs: seconds.
RingerRecipe tiny_recipe() {
    RingerRecipe recipe;
    recipe.events = 1500;
    recipe.et_edges_gev = {20, 1e6};
    recipe.eta_edges = {0, 1.37, 2.5};
    recipe.least_clusters = 30;
    recipe.training.folds = 2;
    recipe.training.initialisations = 1;
    recipe.training.training.max_epochs = 15;
    recipe.training.training.patience = 5;
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

TEST(RingerRecipe, keeps_as_many_electrons_as_the_cut_based_selection) {
    const auto trained = train_ringer(tiny_recipe(), {});
    ASSERT_TRUE(trained.has_value()) << trained.error();
    const auto all = make_ringer_samples(tiny_recipe().seed, tiny_recipe().run, 1500);
    for (const CutPoint cuts : kCutPoints) {
        double electrons = 0, kept = 0;
        for (const RingerSample& sample : all) {
            if (sample.is_electron && sample.et > 20) {
                electrons += 1;
                kept += passes_cuts(cuts, *sample.shapes, sample.et, sample.eta) ? 1 : 0;
            }
        }
        const auto& point = trained->manifest.working_points[static_cast<std::size_t>(cuts)];
        EXPECT_EQ(point.name, to_string(cuts));
        EXPECT_NEAR(point.wanted, kept / electrons, 0.02) << point.name;
        EXPECT_NEAR(point.signal_efficiency, point.wanted, 0.06) << point.name;
    }
    const auto& report = trained->manifest.provenance.report;
    EXPECT_THAT(report, testing::Contains(testing::HasSubstr("2 x 1: SP 0.")));
    EXPECT_THAT(report, testing::Contains(testing::StartsWith("cut-based tight on all clusters")));
    EXPECT_THAT(report, testing::Contains(testing::StartsWith("tight by pile-up")));
}

TEST(RingerRecipe, fixed_efficiencies_where_the_sample_has_no_shower_shapes) {
    RingerRecipe recipe = tiny_recipe();
    recipe.samples = make_ringer_samples(recipe.seed, recipe.run, recipe.events);
    for (RingerSample& sample : recipe.samples) {
        sample.shapes.reset();
    }
    const auto trained = train_ringer(recipe, {});
    ASSERT_TRUE(trained.has_value()) << trained.error();
    EXPECT_EQ(trained->manifest.working_points[0].wanted, 0.95);
    EXPECT_EQ(trained->manifest.working_points[3].wanted, 0.99);
    EXPECT_THAT(trained->manifest.provenance.report,
                testing::Not(testing::Contains(testing::HasSubstr("cut-based"))));
}

TEST(RingerRecipe, trains_on_half_rings_and_other_normalisations) {
    RingerRecipe recipe = tiny_recipe();
    recipe.half_rings = true;
    recipe.normalisation = RingNormalisation::signed_sum;
    recipe.test_share = 0;
    const auto trained = train_ringer(recipe, {});
    ASSERT_TRUE(trained.has_value()) << trained.error();
    const auto settings = read_ringer_settings(trained->manifest);
    ASSERT_TRUE(settings.has_value());
    EXPECT_TRUE(settings->half_rings);
    EXPECT_EQ(settings->normalisation, RingNormalisation::signed_sum);
    const auto graph = engine::read_onnx(std::as_bytes(std::span(trained->networks.front())));
    ASSERT_TRUE(graph.has_value());
    EXPECT_EQ(graph->inputs[0].row_shape.element_count(), 50U);
    EXPECT_THAT(trained->manifest.provenance.report,
                testing::Not(testing::Contains(testing::HasSubstr("test sample"))));
    recipe.normalisation = RingNormalisation::sequential;
    const auto refused = train_ringer(recipe, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error(), testing::HasSubstr("sequential with half_rings"));
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
