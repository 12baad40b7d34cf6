#include "models/calibration.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace tamis::models {
namespace {

std::vector<float> ramp(std::size_t count) {
    std::vector<float> scores(count);
    std::iota(scores.begin(), scores.end(), 0.0F);
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

TEST(Calibration, point_beyond_the_sample_is_left_out_and_said) {
    const std::vector<WantedPoint> wanted = {{"few", 5e-3}, {"none", 1e-5}};
    const Calibration made = calibrate(ramp(1000), {}, wanted);
    ASSERT_EQ(made.points.size(), 1U);
    EXPECT_EQ(made.points[0].name, "few");
    ASSERT_EQ(made.notes.size(), 2U);
    EXPECT_NE(made.notes[0].find("rests on 5 of 1000"), std::string::npos);
    EXPECT_NE(made.notes[1].find("none: not calibrated"), std::string::npos);
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
