#include "models/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/random.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

std::vector<float> ramp(std::size_t count) {
    std::vector<float> scores(count);
    std::iota(scores.begin(), scores.end(), 0.0F);
    return scores;
}

std::vector<float> exponential(std::size_t count, std::uint64_t seed) {
    std::vector<float> scores(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto words = engine::random_words(seed, engine::stream_of("exponential"), i);
        scores[i] = static_cast<float>(-std::log((words[0] + 0.5) / 4294967296.0));
    }
    return scores;
}

TEST(Calibration, clopper_pearson_has_the_published_limits) {
    // 18 of 100: 0.1103 to 0.2695 (tables of the exact interval); none of 10: upper 0.3085.
    EXPECT_NEAR(clopper_pearson(18, 100).low, 0.1103, 5e-5);
    EXPECT_NEAR(clopper_pearson(18, 100).high, 0.2695, 5e-5);
    EXPECT_EQ(clopper_pearson(0, 10).low, 0);
    EXPECT_NEAR(clopper_pearson(0, 10).high, 0.3085, 5e-5);
    EXPECT_EQ(clopper_pearson(10, 10).high, 1);
}

TEST(Calibration, threshold_accepts_exactly_the_wanted_fraction) {
    const std::vector<float> background = ramp(1000);
    const std::vector<std::vector<float>> signals = {{2000, 2000, 0, 0}, {2000, 0, 0, 0}};
    const std::vector<WantedPoint> wanted = {{"loose", 0.1}, {"tight", 0.02}};
    const Calibration made = calibrate(background, signals, wanted);
    ASSERT_EQ(made.points.size(), 2U);
    EXPECT_TRUE(made.notes.empty());
    EXPECT_EQ(made.points[0].bins[0].offset, 899);
    EXPECT_EQ(made.points[0].background_fraction, 0.1);
    EXPECT_LT(made.points[0].background_fraction_low, 0.1);
    EXPECT_GT(made.points[0].background_fraction_high, 0.1);
    EXPECT_EQ(made.points[0].signal_efficiency, (0.5 + 0.25) / 2);
    EXPECT_EQ(count_above(background, made.points[1].bins[0].offset), 20U);
}

TEST(Calibration, point_beyond_a_sample_too_small_for_a_tail_is_left_out_and_said) {
    const std::vector<WantedPoint> wanted = {{"few", 0.02}, {"none", 1e-5}};
    const Calibration made = calibrate(ramp(200), {}, wanted);
    ASSERT_EQ(made.points.size(), 1U);
    EXPECT_EQ(made.points[0].name, "few");
    EXPECT_FALSE(made.points[0].bins[0].extrapolated);
    ASSERT_EQ(made.notes.size(), 4U);
    EXPECT_THAT(made.notes[0],
                testing::HasSubstr("few: no extrapolation (the tail holds 20 of 200"));
    EXPECT_THAT(made.notes[1], testing::HasSubstr("rests on 4 of 200"));
    EXPECT_THAT(made.notes[3], testing::HasSubstr("none: not calibrated"));
}

TEST(Calibration, point_beyond_the_sample_is_extrapolated_and_marked) {
    const std::vector<WantedPoint> wanted = {{"inside", 0.1}, {"published", 5.38e-6}};
    const Calibration made = calibrate(exponential(46'000, 3), {}, wanted);
    ASSERT_EQ(made.points.size(), 2U);
    EXPECT_FALSE(made.points[0].bins[0].extrapolated);
    const WorkingPoint& point = made.points[1];
    const ThresholdBin& bin = point.bins[0];
    ASSERT_TRUE(bin.extrapolated);
    EXPECT_EQ(bin.extrapolated->exceedances, 540U);  // 46000^(2/3) / ln ln 46000
    const double truth = -std::log(5.38e-6);
    EXPECT_LT(*bin.offset_low, truth);
    EXPECT_GT(*bin.offset_high, truth);
    EXPECT_NEAR(point.background_fraction, 5.38e-6, 1e-10);
    EXPECT_LT(point.background_fraction_low, std::exp(-bin.offset));
    EXPECT_GT(point.background_fraction_high, std::exp(-bin.offset));
    EXPECT_THAT(made.notes[0], testing::HasSubstr("published: extrapolated: tail of 540 of 46000"));
    EXPECT_THAT(made.notes[1], testing::HasSubstr("with half the tail"));
}

TEST(Calibration, tail_of_a_mixture_begins_where_it_is_one_distribution) {
    // One in two hundred is of another kind that reaches ten times farther: the 540 largest are of
    // both kinds, the 135 largest of one.
    std::vector<float> background = exponential(46'000, 8);
    for (std::size_t i = 0; i < background.size(); i += 200) {
        background[i] = 10 * background[i] + 5;
    }
    const std::vector<WantedPoint> wanted = {{"published", 5.38e-6}};
    const Calibration made = calibrate(background, {}, wanted);
    ASSERT_EQ(made.points.size(), 1U);
    const ThresholdBin& bin = made.points[0].bins[0];
    ASSERT_TRUE(bin.extrapolated);
    EXPECT_LT(bin.extrapolated->exceedances, 540U);
    const double truth = 5 - 10 * std::log(5.38e-6 * 200);
    EXPECT_LT(*bin.offset_low, truth);
    EXPECT_GT(*bin.offset_high, truth);
    EXPECT_THAT(made.notes[1], testing::HasSubstr("inside its interval"));
}

TEST(Calibration, efficiency_and_rate_are_met) {
    const std::vector<float> background = ramp(1000);
    const std::vector<std::vector<float>> signals = {ramp(100)};
    const std::vector<WantedPoint> wanted = {
        {"nine", 0.9, PointTarget::signal_efficiency},
        {"rate", 4e6, PointTarget::rate, 40e6},
    };
    const Calibration made = calibrate(background, signals, wanted);
    ASSERT_EQ(made.points.size(), 2U);
    EXPECT_EQ(made.points[0].signal_efficiency, 0.9);
    EXPECT_LT(made.points[0].bins[0].offset, 10);
    EXPECT_GT(made.points[0].bins[0].offset, 9);
    // 10 % of 100 events, 95 %: the 84th and the 96th largest lie above and below.
    EXPECT_EQ(made.points[0].bins[0].offset_low, 4);
    EXPECT_EQ(made.points[0].bins[0].offset_high, 16);
    EXPECT_LT(made.points[0].signal_efficiency_low, 0.9);
    EXPECT_EQ(made.points[1].background_fraction, 0.1);
    EXPECT_EQ(made.points[1].target, PointTarget::rate);
    EXPECT_EQ(made.points[1].wanted, 4e6);
    EXPECT_EQ(made.points[1].input_rate_hz, 40e6);
    EXPECT_FALSE(is_possible({"", 50e6, PointTarget::rate, 40e6}));
    EXPECT_FALSE(is_possible({"", 1.0}));
    EXPECT_TRUE(calibrate(background, {}, std::span(wanted).first(1)).points.empty());
}

TEST(Calibration, equal_signal_scores_at_an_efficiency_all_pass) {
    const std::vector<std::vector<float>> signals = {{1, 2, 2, 2, 3}};
    const std::vector<WantedPoint> wanted = {{"most", 0.4, PointTarget::signal_efficiency}};
    EXPECT_EQ(calibrate(ramp(10), signals, wanted).points.at(0).signal_efficiency, 0.8);
}

TEST(Calibration, every_bin_of_pileup_accepts_what_is_wanted) {
    // Scores grow with pile-up: one threshold for all would accept the crowded events alone.
    std::vector<float> scores, pileup;
    for (std::size_t i = 0; i < 3000; ++i) {
        pileup.push_back(static_cast<float>(i % 60));
        scores.push_back(exponential(3000, 5)[i] + pileup.back());
    }
    const std::vector<double> edges = {20, 40};
    const std::vector<WantedPoint> wanted = {{"tenth", 0.1}};
    const Calibration made = calibrate_by_pileup({scores, pileup}, {}, edges, wanted);
    ASSERT_EQ(made.points.size(), 1U);
    const WorkingPoint& point = made.points[0];
    ASSERT_EQ(point.bins.size(), 3U);
    EXPECT_LT(point.bins[0].offset + 15, point.bins[1].offset);
    std::array<std::size_t, 3> accepted{}, all{};
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const std::size_t bin = pileup[i] <= 20 ? 0 : pileup[i] <= 40 ? 1 : 2;
        ++all[bin];
        accepted[bin] += scores[i] > *threshold_at(point, pileup[i]) ? 1 : 0;
    }
    for (std::size_t bin = 0; bin < 3; ++bin) {
        EXPECT_EQ(accepted[bin], all[bin] / 10) << bin;
    }
    EXPECT_FALSE(threshold_at(point, std::numeric_limits<float>::quiet_NaN()));
    EXPECT_EQ(threshold_at(point, 1e7F), point.bins[2].offset);
    const std::vector<double> empty_bin = {100};
    EXPECT_TRUE(calibrate_by_pileup({scores, pileup}, {}, empty_bin, wanted).points.empty());
}

TEST(Calibration, interval_of_order_statistics_by_hand) {
    // Of ten, the second largest and the second smallest hold the median with 97.9 %.
    std::vector<float> falling = ramp(10);
    std::reverse(falling.begin(), falling.end());
    const ScoreInterval median = score_interval(falling, 0.5);
    EXPECT_EQ(median.low, 1);
    EXPECT_EQ(median.high, 8);
    // Of a hundred none may lie above the score of one in a thousand: no upper end.
    falling = ramp(100);
    std::reverse(falling.begin(), falling.end());
    const ScoreInterval far = score_interval(falling, 1e-3);
    EXPECT_EQ(far.low, 98);
    EXPECT_FALSE(far.high);
}

TEST(Calibration, interval_of_order_statistics_covers_as_often_as_it_says) {
    constexpr int kTimes = 1000;
    int inside = 0;
    for (int seed = 0; seed < kTimes; ++seed) {
        std::vector<float> scores = exponential(400, static_cast<std::uint64_t>(seed));
        std::sort(scores.rbegin(), scores.rend());
        const ScoreInterval interval = score_interval(scores, 0.05);
        const auto truth = static_cast<float>(-std::log(0.05));
        inside += *interval.low <= truth && truth < *interval.high ? 1 : 0;
    }
    // 0.95 at least, and not much more: 400 events leave steps of 0.02.
    EXPECT_GT(inside, 935);
    EXPECT_LT(inside, 985);
}

TEST(Calibration, conformal_p_value_by_hand) {
    const std::vector<float> rising = {1, 2, 2, 3};
    EXPECT_EQ(conformal_p_value(rising, 4), 0.2);
    EXPECT_EQ(conformal_p_value(rising, 3), 0.4);
    EXPECT_EQ(conformal_p_value(rising, 2), 0.8);
    EXPECT_EQ(conformal_p_value(rising, 0), 1.0);
}

TEST(Calibration, conformal_p_value_of_background_is_below_a_no_more_often_than_a) {
    constexpr int kTimes = 4000;
    std::array<int, 3> below{};
    const std::array<double, 3> levels = {0.05, 0.2, 0.5};
    for (int seed = 0; seed < kTimes; ++seed) {
        std::vector<float> scores = exponential(40, static_cast<std::uint64_t>(seed));
        const float fresh = scores.back();
        scores.pop_back();
        std::sort(scores.begin(), scores.end());
        const double p = conformal_p_value(scores, fresh);
        for (std::size_t i = 0; i < levels.size(); ++i) {
            below[i] += p <= levels[i] ? 1 : 0;
        }
    }
    // With 39 the levels are met exactly; four standard deviations.
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const double expected = levels[i] * kTimes;
        EXPECT_NEAR(below[i], expected, 4 * std::sqrt(expected * (1 - levels[i]))) << levels[i];
    }
}

TEST(Calibration, equal_scores_at_the_threshold_all_fail) {
    const std::vector<float> background = {1, 2, 2, 2};
    const std::vector<WantedPoint> wanted = {{"half", 0.5}};
    EXPECT_TRUE(calibrate(background, {}, wanted).points.empty());
}

TEST(Calibration, roc_area_by_hand) {
    const std::vector<float> background = {0, 1, 2, 3};
    EXPECT_EQ(roc_area(background, std::vector<float>{10}), 1.0);
    EXPECT_EQ(roc_area(background, std::vector<float>{-1}), 0.0);
    EXPECT_EQ(roc_area(background, std::vector<float>{1}), 0.375);
    EXPECT_EQ(roc_area(background, background), 0.5);
}

}  // namespace
}  // namespace tamis::models
