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
