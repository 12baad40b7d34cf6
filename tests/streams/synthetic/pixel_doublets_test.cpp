#include "streams/synthetic/pixel_doublets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "models/seed_filter/doublet_features.hpp"
#include "streams/synthetic/pixel_hit.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kSeed = 12320;
constexpr std::size_t kFeatures = 67;

std::size_t feature(std::string_view name) {
    const auto& names = models::doublet_feature_names();
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

TEST(FindHit, straight_central_track_crosses_the_barrel_layers_at_right_angles) {
    const PixelTrack track{.pt = 100.0, .eta = 0.0, .phi = 1.0, .z0 = 2.0, .charge = 1};
    for (const std::uint8_t layer : kBarrelLayers) {
        const auto hit = find_hit(track, layer);
        ASSERT_TRUE(hit.has_value());
        EXPECT_NEAR(hit->z, 2.0, 1e-9);
        EXPECT_NEAR(hit->phi, 1.0, 2e-3);
        EXPECT_NEAR(hit->slope_y, 0.0, 1e-9);
    }
    EXPECT_FALSE(find_hit(track, kPositiveDisks[0]).has_value());
}

TEST(FindHit, slow_track_curls_up_before_the_outer_layer) {
    const PixelTrack track{.pt = 0.05, .eta = 0.0, .phi = 0.0, .z0 = 0.0, .charge = -1};
    EXPECT_TRUE(find_hit(track, 0).has_value());
    EXPECT_FALSE(find_hit(track, 3).has_value());
}

TEST(FindHit, forward_track_crosses_the_disks_of_its_side) {
    const PixelTrack track{.pt = 5.0, .eta = -2.0, .phi = 0.0, .z0 = 0.0, .charge = 1};
    ASSERT_TRUE(find_hit(track, kNegativeDisks[0]).has_value());
    EXPECT_LT(find_hit(track, kNegativeDisks[0])->z, 0.0);
    EXPECT_FALSE(find_hit(track, kPositiveDisks[0]).has_value());
}

TEST(GenerateDoublets, same_event_is_the_same_and_needs_nothing_else) {
    PixelDoubletView first;
    PixelDoubletView second;
    for (std::uint64_t event = 1; event <= 50; ++event) {
        generate_doublets(kSeed, 1, event, {}, first);
        generate_doublets(kSeed, 1, event, {}, second);
        EXPECT_EQ(first.features, second.features);
        EXPECT_EQ(first.inner_adc, second.inner_adc);
        EXPECT_EQ(first.is_true, second.is_true);
    }
}

TEST(GenerateDoublets, count_fraction_layers_and_sizes_are_as_configured) {
    const std::set<std::uint8_t> layers = {0, 1, 2, 3, 14, 15, 16, 29, 30, 31};
    PixelDoubletView view;
    double count = 0;
    double truths = 0;
    std::set<std::uint8_t> seen;
    constexpr int kEvents = 2000;
    for (std::uint64_t event = 1; event <= kEvents; ++event) {
        generate_doublets(kSeed, 1, event, {.mean_count = 4.0, .true_fraction = 0.3}, view);
        const std::size_t n = view.is_true.size();
        ASSERT_EQ(view.inner_adc.size(), n * 512);
        ASSERT_EQ(view.outer_adc.size(), n * 512);
        ASSERT_EQ(view.features.size(), n * kFeatures);
        count += static_cast<double>(n);
        truths += static_cast<double>(std::count(view.is_true.begin(), view.is_true.end(), 1));
        seen.insert(view.inner_layer.begin(), view.inner_layer.end());
        seen.insert(view.outer_layer.begin(), view.outer_layer.end());
        for (const float value : view.features) {
            ASSERT_TRUE(std::isfinite(value));
        }
    }
    EXPECT_NEAR(count / kEvents, 4.0, 0.25);
    EXPECT_NEAR(truths / count, 0.3, 0.03);
    EXPECT_EQ(seen, layers);
}

TEST(GenerateDoublets, features_describe_the_windows) {
    PixelDoubletView view;
    for (std::uint64_t event = 1; event <= 200; ++event) {
        generate_doublets(kSeed, 1, event, {}, view);
        for (std::size_t i = 0; i < view.is_true.size(); ++i) {
            double sum = 0;
            int fired = 0;
            for (std::size_t pixel = 0; pixel < kPixelWindow; ++pixel) {
                const std::size_t at = 512 * i + 2 * pixel;
                const int charge = view.inner_adc[at] + 256 * view.inner_adc[at + 1];
                sum += charge;
                fired += charge > 0 ? 1 : 0;
            }
            const float* const row = &view.features[i * kFeatures];
            EXPECT_NEAR(row[feature("in_sum_adc")], sum, 1e-3 * sum);
            EXPECT_EQ(row[feature("in_clust_size")], static_cast<float>(fired));
            EXPECT_GT(fired, 0);
            EXPECT_EQ(row[feature("in_is_barrel")] != 0.0F, view.inner_layer[i] < 14);
            if (view.inner_layer[i] < 14) {
                EXPECT_EQ(row[feature("in_disk")], -1.0F);
                EXPECT_EQ(row[feature("in_layer")], static_cast<float>(view.inner_layer[i] + 1));
            } else {
                EXPECT_EQ(row[feature("in_ladder")], -1.0F);
            }
            EXPECT_NEAR(row[feature("delta_z")], row[feature("in_z")] - row[feature("out_z")],
                        1e-3);
            EXPECT_LT(std::abs(row[feature("z_zero")]), 13.01F);
        }
    }
}

TEST(GenerateDoublets, clusters_of_true_pairs_fit_the_direction_better_than_fakes) {
    PixelDoubletView view;
    std::array<double, 2> misfit{};
    std::array<double, 2> count{};
    for (std::uint64_t event = 1; event <= 3000; ++event) {
        generate_doublets(kSeed, 1, event, {}, view);
        for (std::size_t i = 0; i < view.is_true.size(); ++i) {
            if (view.outer_layer[i] >= 14) {
                continue;
            }
            const float* const row = &view.features[i * kFeatures];
            const double slope = std::abs((row[feature("out_z")] - row[feature("in_z")]) /
                                          (row[feature("out_r")] - row[feature("in_r")]));
            const double expected = std::min(15.0, 1.0 + 1.9 * slope);
            misfit[view.is_true[i]] += std::abs(row[feature("in_clust_size_y")] - expected);
            count[view.is_true[i]] += 1;
        }
    }
    EXPECT_LT(misfit[1] / count[1], 0.6 * misfit[0] / count[0]);
}

}  // namespace
}  // namespace tamis::streams
