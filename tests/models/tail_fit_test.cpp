#include "models/tail_fit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/random.hpp"

namespace tamis::models {
namespace {

// Distributions whose tails are exactly generalised Pareto: shape 0 is the exponential one, above 0
// Pareto's, -1 the uniform one.
double score_exceeded_by(double fraction, double shape) {
    return shape == 0 ? -std::log(fraction) : std::expm1(-shape * std::log(fraction)) / shape;
}

std::vector<float> falling_sample(std::size_t count, double shape, std::uint64_t seed) {
    std::vector<float> scores(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto words = engine::random_words(seed, engine::stream_of("tail"), i);
        const double uniform = (words[0] + (words[1] + 0.5) / 4294967296.0) / 4294967296.0;
        scores[i] = static_cast<float>(score_exceeded_by(uniform, shape));
    }
    std::sort(scores.rbegin(), scores.rend());
    return scores;
}

constexpr double kPublishedFraction = 5.38e-6;

class KnownTail : public testing::TestWithParam<double> {};

TEST_P(KnownTail, published_fraction_is_found_beyond_46000_events) {
    const double shape = GetParam();
    const auto fit = TailFit::of(falling_sample(46'000, shape, 1)).value();
    const TailEstimate estimate = fit.estimate();
    EXPECT_EQ(estimate.exceedances, 540U);  // 46000^(2/3) / ln ln 46000
    EXPECT_NEAR(fit.fraction(), 540.0 / 46'000, 1e-12);
    const double allowed = shape > -0.5 ? 3 * (1 + shape) / std::sqrt(540.0) : 0.02;
    EXPECT_NEAR(estimate.shape, shape, allowed);
    // A generalised Pareto tail has scale 1 + shape times where it begins.
    const double scale = 1 + shape * estimate.above;
    EXPECT_NEAR(estimate.scale, scale, 0.2 * scale);
    const double truth = score_exceeded_by(kPublishedFraction, shape);
    const TailValue threshold = fit.threshold_of(kPublishedFraction);
    EXPECT_LT(threshold.low.value(), truth);
    EXPECT_GT(threshold.high.value(), truth);
    EXPECT_LT(*threshold.low, threshold.value);
    EXPECT_GT(*threshold.high, threshold.value);
    // The way back.
    const TailValue fraction = fit.fraction_above(threshold.value);
    EXPECT_NEAR(fraction.value, kPublishedFraction, 1e-6 * kPublishedFraction);
    EXPECT_LT(fraction.low.value_or(0), kPublishedFraction);
    EXPECT_GT(fraction.high.value(), kPublishedFraction);
}

TEST_P(KnownTail, intervals_cover_as_often_as_they_say) {
    const double shape = GetParam();
    constexpr double kWanted = 2e-5;  // a tenth of an event
    constexpr int kTimes = 300;
    int threshold_inside = 0, fraction_inside = 0;
    const double truth = score_exceeded_by(kWanted, shape);
    for (int seed = 0; seed < kTimes; ++seed) {
        const auto fit =
            TailFit::of(falling_sample(5000, shape, static_cast<std::uint64_t>(seed))).value();
        const TailValue threshold = fit.threshold_of(kWanted);
        threshold_inside +=
            threshold.low.value_or(truth) <= truth && truth <= threshold.high.value_or(truth) ? 1
                                                                                              : 0;
        const TailValue fraction = fit.fraction_above(truth);
        fraction_inside +=
            fraction.low.value_or(0) <= kWanted && kWanted <= fraction.high.value_or(1) ? 1 : 0;
    }
    RecordProperty("threshold_inside", threshold_inside);
    RecordProperty("fraction_inside", fraction_inside);
    // 95 % of 300 is 285; four standard deviations.
    EXPECT_NEAR(threshold_inside, 285, 15);
    EXPECT_NEAR(fraction_inside, 285, 15);
}

INSTANTIATE_TEST_SUITE_P(Shapes, KnownTail, testing::Values(-1.0, -0.25, 0.0, 0.3),
                         [](const auto& shape) {
                             return shape.param == -1.0    ? std::string("uniform")
                                    : shape.param == -0.25 ? std::string("bounded")
                                    : shape.param == 0.0   ? std::string("exponential")
                                                           : std::string("pareto");
                         });

TEST(TailFit, error_falls_as_the_square_root_of_the_exceedances) {
    const auto sample = falling_sample(46'000, 0, 4);
    const TailEstimate whole = TailFit::of(sample).value().estimate();
    const TailEstimate half = TailFit::of(sample, 0.5).value().estimate();
    EXPECT_EQ(half.exceedances, 270U);
    EXPECT_NEAR(half.shape_error / whole.shape_error, std::sqrt(2.0), 0.15);
}

TEST(TailFit, scaled_and_moved_scores_give_the_scaled_and_moved_answer) {
    auto sample = falling_sample(20'000, 0.1, 2);
    const TailValue plain = TailFit::of(sample).value().threshold_of(1e-6);
    for (float& score : sample) {
        score = 64 * score - 8192;
    }
    const TailValue moved = TailFit::of(sample).value().threshold_of(1e-6);
    EXPECT_NEAR(moved.value, 64 * plain.value - 8192, 0.02 * plain.value);
    EXPECT_NEAR(*moved.high, 64 * *plain.high - 8192, 0.02 * *plain.high);
}

TEST(TailFit, samples_without_a_tail_are_refused_and_said) {
    EXPECT_THAT(TailFit::of(falling_sample(500, 0, 1)).error(),
                testing::HasSubstr("the tail holds 34 of 500 scores"));
    EXPECT_FALSE(TailFit::of({}));
    const std::vector<float> constant(10'000, 3.0F);
    EXPECT_THAT(TailFit::of(constant).error(), testing::HasSubstr("the tail holds 0 of 10000"));
    std::vector<float> coarse = falling_sample(10'000, 0, 1);
    for (float& score : coarse) {
        score = std::round(score);
    }
    EXPECT_THAT(TailFit::of(coarse).error(), testing::HasSubstr("of them different"));
    EXPECT_THAT(TailFit::of(falling_sample(10'000, 6, 1)).error(), testing::HasSubstr("too heavy"));
}

}  // namespace
}  // namespace tamis::models
