#include "models/ringer/ringer_thresholds.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "models/manifest.hpp"
#include "models/ringer/ringer_bins.hpp"

namespace tamis::models {
namespace {

std::vector<NetworkFile> two_by_two() {
    std::vector<NetworkFile> bins;
    for (const auto& [et_low, et_high] : {std::pair{15.0, 20.0}, std::pair{20.0, 1e6}}) {
        for (const auto& [eta_low, eta_high] : {std::pair{0.0, 1.37}, std::pair{1.37, 2.5}}) {
            bins.push_back({"", "", et_low, et_high, eta_low, eta_high});
        }
    }
    return bins;
}

TEST(RingerBins, lower_edge_is_outside_upper_edge_inside) {
    const auto bins = two_by_two();
    EXPECT_EQ(find_bin(bins, 20.0, 1.0), 0U);
    EXPECT_EQ(find_bin(bins, 20.001, 1.0), 2U);
    EXPECT_EQ(find_bin(bins, 20.0, -1.37), 0U);
    EXPECT_EQ(find_bin(bins, 20.0, -1.371), 1U);
    EXPECT_FALSE(find_bin(bins, 15.0, 1.0).has_value());
}

TEST(RingerBins, eta_is_capped_and_zero_belongs_to_the_first_bin) {
    const auto bins = two_by_two();
    EXPECT_EQ(find_bin(bins, 18.0, 3.1), 1U);
    EXPECT_EQ(find_bin(bins, 18.0, 0.0), 0U);
    EXPECT_EQ(find_bin(bins, 18.0, -0.0), 0U);
}

TEST(RingerBins, nan_and_infinity_are_in_no_bin) {
    const auto bins = two_by_two();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(find_bin(bins, nan, 1.0).has_value());
    EXPECT_FALSE(find_bin(bins, 18.0, nan).has_value());
    EXPECT_FALSE(find_bin(bins, std::numeric_limits<double>::infinity(), 1.0).has_value());
}

TEST(RingerThresholds, sp_index_of_known_points) {
    EXPECT_DOUBLE_EQ(sp_index(1.0, 0.0), 1.0);
    EXPECT_NEAR(sp_index(0.5, 0.5), std::sqrt(0.5 * 0.5), 1e-12);
    EXPECT_DOUBLE_EQ(sp_index(1.0, 1.0), 0.0);
}

TEST(RingerThresholds, best_sp_separates_what_can_be_separated) {
    const std::vector<float> signal = {1.0F, 2.0F, 3.0F, 0.1F};
    const std::vector<float> background = {-1.0F, 0.0F, -2.0F, 0.5F};
    const SpPoint best = find_best_sp(signal, background);
    EXPECT_NEAR(best.detection, 0.75, 1e-12);
    EXPECT_NEAR(best.false_alarm, 0.0, 1e-12);
    EXPECT_GT(best.threshold, 0.5);
    EXPECT_LT(best.threshold, 1.0);
}

TEST(RingerThresholds, threshold_keeps_at_least_the_wanted_fraction) {
    const std::vector<double> scores = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    EXPECT_DOUBLE_EQ(threshold_at_efficiency(scores, 0.9), 1.5);
    EXPECT_DOUBLE_EQ(threshold_at_efficiency(scores, 0.85), 1.5);
    EXPECT_LT(threshold_at_efficiency(scores, 1.0), 1.0);
    EXPECT_DOUBLE_EQ(threshold_at_efficiency(scores, 0.0), 10.0);
    const std::vector<double> equal = {2, 2, 2, 1};
    EXPECT_DOUBLE_EQ(threshold_at_efficiency(equal, 0.5), 1.5);
}

std::vector<ScoredCluster> drifting(double slope, double shift) {
    std::vector<ScoredCluster> clusters;
    for (int mu = 16; mu < 60; ++mu) {
        for (int i = 0; i < 100; ++i) {
            clusters.push_back(
                {static_cast<float>(shift + slope * mu + 0.01 * i), static_cast<float>(mu) + 0.5F});
        }
    }
    return clusters;
}

TEST(RingerThresholds, line_follows_a_discriminant_that_falls_with_pile_up) {
    const auto signal = drifting(-0.02, 5.0);
    const auto background = drifting(-0.02, 0.0);
    const FittedThreshold fitted = fit_threshold(signal, background, {0.97}, {});
    EXPECT_NEAR(fitted.line.slope, -0.02, 1e-3);
    EXPECT_NEAR(fitted.detection, 0.97, 0.003);
    EXPECT_DOUBLE_EQ(fitted.false_alarm, 0.0);
}

TEST(RingerThresholds, a_rising_line_is_made_flat) {
    const FittedThreshold fitted =
        fit_threshold(drifting(0.02, 0.0), drifting(0.0, -9.0), {0.95}, {});
    EXPECT_DOUBLE_EQ(fitted.line.slope, 0.0);
    EXPECT_NEAR(fitted.detection, 0.95, 0.005);
}

TEST(RingerThresholds, efficiency_is_lowered_while_too_much_background_passes) {
    const auto signal = drifting(0.0, 0.0);
    const auto background = drifting(0.0, -0.3);
    const FittedThreshold fitted = fit_threshold(signal, background, {0.99}, {});
    EXPECT_LE(fitted.false_alarm, 0.5);
    EXPECT_LT(fitted.efficiency, 0.99);
    EXPECT_GT(fitted.efficiency, 0.7);
}

// A reference that keeps `start` of each pile-up's clusters at 16 and one in a hundred less for
// each further interaction; which ones it keeps has nothing to do with the score.
std::vector<ScoredCluster> judged(std::vector<ScoredCluster> clusters, int start) {
    for (std::size_t i = 0; i < clusters.size(); ++i) {
        const int kept = start - (static_cast<int>(clusters[i].average_mu) - 16);
        clusters[i].in_reference = static_cast<int>((i * 37) % 100) < kept;
    }
    return clusters;
}

double kept_between(std::span<const ScoredCluster> clusters, const FittedThreshold& fitted,
                    const ThresholdFit& fit, float low, float high) {
    double kept = 0, all = 0;
    for (const ScoredCluster& cluster : clusters) {
        if (cluster.average_mu >= low && cluster.average_mu < high) {
            all += 1;
            kept += cluster.score > fitted.line.at(cluster.average_mu, fit.mu_low, fit.mu_high);
        }
    }
    return kept / all;
}

TEST(RingerThresholds, follow_the_reference_in_every_slice_of_pile_up) {
    // The score falls by twice its spread from 16 to 60, the reference keeps 99 % down to 56 %: the
    // line must fall less than the score does.
    const auto signal = judged(drifting(-0.045, 5.0), 99);
    const ThresholdFit fit;
    const FittedThreshold fitted = fit_threshold(signal, {}, {}, fit);
    EXPECT_NEAR(fitted.efficiency, 0.775, 0.01);
    EXPECT_NEAR(fitted.detection, fitted.efficiency, 0.01);
    for (float low = 16; low < 60; low += 4) {
        const double reference = 0.99 - 0.01 * (low + 1.5 - 16);
        EXPECT_NEAR(kept_between(signal, fitted, fit, low, low + 4), reference, 0.02) << low;
    }
}

TEST(RingerThresholds, relaxation_gives_back_a_part_of_what_the_reference_loses) {
    const auto signal = judged(drifting(-0.045, 5.0), 99);
    const double strict = fit_threshold(signal, {}, {}, {}).efficiency;
    const double relaxed = fit_threshold(signal, {}, {{}, 0.4}, {}).efficiency;
    EXPECT_NEAR(relaxed, strict + 0.4 * (1 - strict), 1e-12);
}

TEST(RingerThresholds, a_reference_that_keeps_nothing_or_all_is_followed) {
    auto signal = drifting(0.0, 0.0);
    EXPECT_DOUBLE_EQ(fit_threshold(signal, {}, {}, {}).detection, 0.0);
    for (ScoredCluster& cluster : signal) {
        cluster.in_reference = true;
    }
    EXPECT_DOUBLE_EQ(fit_threshold(signal, {}, {}, {}).detection, 1.0);
}

TEST(RingerThresholds, pile_up_is_clipped_to_the_fit_range) {
    const ThresholdLine line{-0.1, 1.0};
    EXPECT_DOUBLE_EQ(line.at(5.0, 16.0, 60.0), 1.0 - 1.6);
    EXPECT_DOUBLE_EQ(line.at(30.0, 16.0, 60.0), 1.0 - 3.0);
    EXPECT_DOUBLE_EQ(line.at(99.0, 16.0, 60.0), 1.0 - 6.0);
}

}  // namespace
}  // namespace tamis::models
