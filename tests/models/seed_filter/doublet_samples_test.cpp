#include "models/seed_filter/doublet_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "models/seed_filter/seed_filter_training.hpp"

namespace tamis::models {
namespace {

TEST(DoubletSamples, are_balanced_and_a_function_of_seed_and_run) {
    const DoubletSamples first = make_doublet_samples(5, 1, 500);
    const DoubletSamples again = make_doublet_samples(5, 1, 500);
    ASSERT_EQ(first.size(), 500U);
    EXPECT_EQ(first.inner_adc, again.inner_adc);
    EXPECT_EQ(first.features, again.features);
    EXPECT_NE(first.features, make_doublet_samples(5, 2, 500).features);
    const auto trues = std::count(first.is_true.begin(), first.is_true.end(), 1);
    EXPECT_NEAR(static_cast<double>(trues), 250.0, 60.0);
}

TEST(DoubletSamples, selected_are_those_marked) {
    const DoubletSamples all = make_doublet_samples(5, 1, 4);
    const DoubletSamples some = select_doublets(all, std::vector<std::uint8_t>{0, 1, 0, 1});
    ASSERT_EQ(some.size(), 2U);
    EXPECT_EQ(table_row_of(doublet_at(some.view(), 0)), table_row_of(doublet_at(all.view(), 1)));
    EXPECT_EQ(table_row_of(doublet_at(some.view(), 1)), table_row_of(doublet_at(all.view(), 3)));
    EXPECT_EQ(some.is_true[1], all.is_true[3]);
}

TEST(DoubletSamples, turned_copies_differ_in_x_y_and_phi_alone) {
    const DoubletSamples originals = make_doublet_samples(5, 1, 50);
    DoubletSamples samples = originals;
    add_turned_copies(samples, 2, 9);
    ASSERT_EQ(samples.size(), 150U);
    std::vector<double> angles;
    for (std::size_t i = 0; i < 150; ++i) {
        const DoubletView copy = doublet_at(samples.view(), i);
        const DoubletView original = doublet_at(originals.view(), i % 50);
        EXPECT_EQ(samples.is_true[i], originals.is_true[i % 50]);
        EXPECT_TRUE(std::ranges::equal(copy.inner_adc, original.inner_adc));
        EXPECT_TRUE(std::ranges::equal(copy.outer_adc, original.outer_adc));
        double turn = 0;
        for (const std::size_t hit : {std::size_t{0}, kHitFeatures}) {
            const double x = copy.features[hit + kHitX];
            const double y = copy.features[hit + kHitY];
            const double phi = copy.features[hit + kHitPhi];
            EXPECT_NEAR(std::hypot(x, y), original.features[hit + kHitR], 1e-4);
            EXPECT_NEAR(std::remainder(std::atan2(y, x) - phi, 2 * std::numbers::pi), 0, 1e-5);
            EXPECT_TRUE(phi >= 0 && phi < 2 * std::numbers::pi + 1e-6) << phi;
            turn = std::remainder(phi - original.features[hit + kHitPhi], 2 * std::numbers::pi);
        }
        angles.push_back(turn);
        for (std::size_t k = 0; k < kDoubletFeatures; ++k) {
            const std::size_t of_hit = k < 2 * kHitFeatures ? k % kHitFeatures : kHitFeatures;
            if (of_hit != kHitX && of_hit != kHitY && of_hit != kHitPhi) {
                EXPECT_EQ(copy.features[k], original.features[k]) << k;
            }
        }
    }
    EXPECT_TRUE(std::all_of(angles.begin(), angles.begin() + 50, [](double a) { return a == 0; }));
    const auto [least, most] = std::minmax_element(angles.begin() + 50, angles.end());
    EXPECT_LT(*least, -2.5);
    EXPECT_GT(*most, 2.5);
    EXPECT_NE(angles[60], angles[110]);
}

TEST(DoubletTraining, both_kinds_weigh_the_same) {
    DoubletSamples samples;
    samples.is_true = {1, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    const std::vector<float> weights = balanced_weights(samples);
    EXPECT_FLOAT_EQ(weights[0], 2.5F);
    EXPECT_FLOAT_EQ(weights[1], 0.625F);
    EXPECT_FLOAT_EQ(std::accumulate(weights.begin(), weights.end(), 0.0F), 10.0F);
}

TEST(DoubletTraining, refuses_doublets_of_one_kind) {
    DoubletSamples trues = make_doublet_samples(5, 1, 300);
    trues = select_doublets(trues, trues.is_true);
    const auto refused = train_doublet_network(
        [](SeedFilterOutput output) { return make_prefilter_network({}, output, 1); }, trues, trues,
        {}, [](const std::string& /*line*/) {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().find("one kind only"), std::string::npos) << refused.error();
}

}  // namespace
}  // namespace tamis::models
