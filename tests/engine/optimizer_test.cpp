#include "engine/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tamis::engine {
namespace {

struct OneWeight {
    std::vector<float> value{1.F};
    std::vector<float> gradient{0.5F};
    [[nodiscard]] std::vector<TrainableParameter> parameters() {
        return {{"w", Shape{1}, value, gradient, true, 0}};
    }
};

TEST(Optimizer, takes_the_first_steps_of_adam_by_the_paper) {
    OneWeight weight;
    Optimizer adam({.kind = OptimizerConfig::Kind::adam, .learning_rate = 0.1F, .epsilon = 1e-8F});
    double value = 1.0;
    double first = 0.0;
    double second = 0.0;
    for (int step = 1; step <= 5; ++step) {
        weight.gradient[0] = 0.5F * static_cast<float>(step);
        const double gradient = weight.gradient[0];
        first = 0.9 * first + 0.1 * gradient;
        second = 0.999 * second + 0.001 * gradient * gradient;
        value -= 0.1 * (first / (1.0 - std::pow(0.9, step))) /
                 std::sqrt(second / (1.0 - std::pow(0.999, step)));
        adam.step(weight.parameters());
        EXPECT_NEAR(weight.value[0], value, 1e-5) << step;
    }
}

TEST(Optimizer, applies_momentum_nesterov_decay_and_l2) {
    OneWeight weight;
    Optimizer sgd({.kind = OptimizerConfig::Kind::sgd,
                   .learning_rate = 0.1F,
                   .momentum = 0.5F,
                   .nesterov = true,
                   .decay = 1.F,
                   .kernels = {.l2 = 0.2F}});
    double value = 1.0;
    double velocity = 0.0;
    for (int step = 0; step < 4; ++step) {
        const double rate = 0.1 / (1.0 + step);
        const double gradient = 0.5 + 0.2 * value;
        velocity = 0.5 * velocity - rate * gradient;
        value += 0.5 * velocity - rate * gradient;
        sgd.step(weight.parameters());
        EXPECT_NEAR(weight.value[0], value, 1e-6) << step;
    }
}

TEST(Optimizer, projects_each_unit_of_a_kernel_to_the_maximum_norm) {
    std::vector<float> values{3.F, 0.1F, 4.F, 0.2F};  // [in, units]: norms 5 and 0.22
    std::vector<float> gradient(4, 0.F);
    OptimizerConfig config{.kind = OptimizerConfig::Kind::sgd};
    config.of_parameter["w"] = {.max_norm = 1.F};
    Optimizer sgd(config);
    sgd.step(std::vector<TrainableParameter>{{"w", Shape{2, 2}, values, gradient, true, 1}});
    EXPECT_NEAR(values[0], 0.6F, 1e-6);
    EXPECT_NEAR(values[2], 0.8F, 1e-6);
    EXPECT_EQ(values[1], 0.1F);
    EXPECT_EQ(values[3], 0.2F);
}

TEST(Optimizer, leaves_biases_without_l2_and_norm) {
    std::vector<float> values{30.F};
    std::vector<float> gradient{0.F};
    Optimizer sgd({.kind = OptimizerConfig::Kind::sgd, .kernels = {.l2 = 1.F, .max_norm = 1.F}});
    sgd.step(std::vector<TrainableParameter>{{"b", Shape{1}, values, gradient, false, 0}});
    EXPECT_EQ(values[0], 30.F);
}

}  // namespace
}  // namespace tamis::engine
