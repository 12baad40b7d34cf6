#include "engine/loss.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "engine/random.hpp"

namespace tamis::engine {
namespace {

struct Case {
    std::unique_ptr<Loss> loss;
    std::vector<float> target;
};

constexpr std::size_t kRows = 4;
constexpr std::size_t kWidth = 3;

std::vector<Case> cases() {
    std::vector<Case> all;
    std::vector<float> real(kRows * kWidth);
    std::vector<float> binary(kRows * kWidth);
    for (std::size_t i = 0; i < real.size(); ++i) {
        real[i] = random_normal(3, 1, i);
        binary[i] = random_uniform(3, 2, i) < 0.5F ? 0.F : 1.F;
    }
    all.push_back({std::make_unique<MeanSquaredError>(), real});
    all.push_back({std::make_unique<BinaryCrossEntropyWithLogits>(), binary});
    all.push_back({std::make_unique<BinaryCrossEntropyWithLogits>(3.5), binary});
    all.push_back({std::make_unique<CategoricalCrossEntropyWithLogits>(),
                   std::vector<float>{0.F, 2.F, 1.F, 2.F}});
    all.push_back(
        {std::make_unique<CategoricalCrossEntropyWithLogits>(std::vector<double>{0.5, 2.0, 4.0}),
         std::vector<float>{0.F, 2.F, 1.F, 2.F}});
    return all;
}

TEST(Loss, has_gradients_that_agree_with_finite_differences) {
    const std::vector<float> weight{1.F, 0.25F, 3.F, 0.F};
    for (const Case& one : cases()) {
        SCOPED_TRACE(one.loss->name());
        std::vector<float> output(kRows * kWidth);
        for (std::size_t i = 0; i < output.size(); ++i) output[i] = random_normal(5, 3, i);
        std::vector<float> gradient(output.size());
        std::vector<float> ignored(output.size());
        const auto value = [&](std::span<float> into) {
            return one.loss->evaluate({output, one.target, weight, kRows, kWidth}, into);
        };
        (void)value(gradient);
        for (std::size_t i = 0; i < output.size(); ++i) {
            const float centre = output[i];
            output[i] = centre + 1e-3F;
            const double up_at = output[i];
            const double up = value(ignored);
            output[i] = centre - 1e-3F;
            const double slope = (up - value(ignored)) / (up_at - output[i]);
            output[i] = centre;
            EXPECT_NEAR(gradient[i], slope, 1e-5) << i;
        }
    }
}

TEST(Loss, has_the_values_of_the_formulae) {
    std::vector<float> gradient(4);
    const std::vector<float> output{1.F, -2.F};
    const std::vector<float> target{0.F, 1.F};
    EXPECT_DOUBLE_EQ(MeanSquaredError().evaluate({output, target, {}, 2, 1}, gradient), 5.0);
    const double binary = (std::log(1.0 + std::exp(1.0)) + std::log(1.0 + std::exp(2.0))) / 2.0;
    EXPECT_NEAR(BinaryCrossEntropyWithLogits().evaluate({output, target, {}, 2, 1}, gradient),
                binary, 1e-12);
    const std::vector<float> truth{1.F};
    EXPECT_NEAR(CategoricalCrossEntropyWithLogits().evaluate({output, truth, {}, 1, 2}, gradient),
                std::log(1.0 + std::exp(3.0)), 1e-12);
}

TEST(Loss, counts_a_row_of_weight_two_as_two_rows) {
    const std::vector<float> weight{2.F, 1.F, 0.F, 1.F};
    for (const Case& one : cases()) {
        SCOPED_TRACE(one.loss->name());
        const std::size_t target_width = one.loss->target_width(kWidth);
        std::vector<float> output(kRows * kWidth);
        for (std::size_t i = 0; i < output.size(); ++i) output[i] = random_normal(7, 3, i);
        std::vector<float> repeated_output;
        std::vector<float> repeated_target;
        for (const std::size_t row : {0U, 0U, 1U, 3U}) {
            const auto copy = [row](const std::vector<float>& from, std::size_t width,
                                    std::vector<float>& to) {
                const auto first = from.begin() + static_cast<std::ptrdiff_t>(row * width);
                to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(width));
            };
            copy(output, kWidth, repeated_output);
            copy(one.target, target_width, repeated_target);
        }
        std::vector<float> gradient(output.size());
        EXPECT_NEAR(
            one.loss->evaluate({output, one.target, weight, kRows, kWidth}, gradient),
            one.loss->evaluate({repeated_output, repeated_target, {}, kRows, kWidth}, gradient),
            1e-12);
    }
}

TEST(Loss, refuses_targets_without_meaning_by_row) {
    const std::vector<float> class_beyond{0.F, 2.F, 3.F};
    const auto beyond = CategoricalCrossEntropyWithLogits().check_targets(class_beyond, 3);
    ASSERT_FALSE(beyond.has_value());
    EXPECT_NE(beyond.error().find("row 2"), std::string::npos) << beyond.error();
    EXPECT_TRUE(CategoricalCrossEntropyWithLogits().check_targets(class_beyond, 4).has_value());
    EXPECT_FALSE(
        CategoricalCrossEntropyWithLogits().check_targets(std::vector<float>{0.5F}, 3).has_value());
    EXPECT_FALSE(
        CategoricalCrossEntropyWithLogits().check_targets(std::vector<float>{-1.F}, 3).has_value());
    EXPECT_FALSE(CategoricalCrossEntropyWithLogits(std::vector<double>{1.0, 2.0})
                     .check_targets(class_beyond, 4)
                     .has_value());
    const std::vector<float> likely{0.F, 1.F, 0.25F, 1.5F};
    const auto above_one = BinaryCrossEntropyWithLogits().check_targets(likely, 2);
    ASSERT_FALSE(above_one.has_value());
    EXPECT_NE(above_one.error().find("row 1"), std::string::npos) << above_one.error();
    EXPECT_TRUE(MeanSquaredError().check_targets(likely, 2).has_value());
}

TEST(Loss, stays_finite_for_huge_logits) {
    const std::vector<float> output{1e30F, -1e30F};
    std::vector<float> gradient(2);
    const std::vector<float> target{1.F, 0.F};
    EXPECT_EQ(BinaryCrossEntropyWithLogits().evaluate({output, target, {}, 2, 1}, gradient), 0.0);
    EXPECT_EQ(CategoricalCrossEntropyWithLogits().evaluate(
                  {output, std::vector<float>{0.F}, {}, 1, 2}, gradient),
              0.0);
}

}  // namespace
}  // namespace tamis::engine
