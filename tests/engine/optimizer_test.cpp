#include "engine/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/random.hpp"

namespace tamis::engine {
namespace {

using Kind = OptimizerConfig::Kind;

// What each rule does to one weight, in double, written as in the papers.
struct Reference {
    OptimizerConfig config;
    double value;
    double first = 0.0;
    double second = config.kind == Kind::adagrad ? config.first_accumulator : 0.0;
    double product = 1.0;  // nadam
    int step = 0;

    void move(double gradient) {
        ++step;
        gradient += static_cast<double>(config.kernels.l2) * value;
        const double rate = config.learning_rate / (1.0 + config.decay * (step - 1));
        const double epsilon = config.epsilon;
        switch (config.kind) {
            case Kind::sgd:
                first = config.momentum * first - rate * gradient;
                value += first;
                break;
            case Kind::nesterov:
                first = config.momentum * first - rate * gradient;
                value += config.momentum * first - rate * gradient;
                break;
            case Kind::adagrad:
                second += gradient * gradient;
                value -= rate * gradient / (std::sqrt(second) + epsilon);
                break;
            case Kind::rmsprop:
                second = config.rho * second + (1.0 - config.rho) * gradient * gradient;
                value -= rate * gradient / (std::sqrt(second) + epsilon);
                break;
            case Kind::adam:
            case Kind::nadam:
                move_by_moments(gradient, rate);
                break;
        }
    }
    void move_by_moments(double gradient, double rate) {
        const double beta1 = config.beta1;
        const double beta2 = config.beta2;
        first = beta1 * first + (1.0 - beta1) * gradient;
        second = beta2 * second + (1.0 - beta2) * gradient * gradient;
        const double root = std::sqrt(second / (1.0 - std::pow(beta2, step))) + config.epsilon;
        if (config.kind == Kind::adam) {
            value -= rate * (first / (1.0 - std::pow(beta1, step))) / root;
            return;
        }
        const auto momentum = [&](int t) {
            return beta1 * (1.0 - 0.5 * std::pow(0.96, 0.004 * t));
        };
        product *= momentum(step);
        const double gradient_part = (1.0 - momentum(step)) * gradient / (1.0 - product);
        const double first_part = momentum(step + 1) * first / (1.0 - product * momentum(step + 1));
        value -= rate * (gradient_part + first_part) / root;
    }
};

OptimizerConfig config_of(Kind kind) {
    OptimizerConfig config{.kind = kind, .learning_rate = 0.05F};
    // Where epsilon stands differs between Adam's two forms; see the header.
    config.epsilon = 1e-10F;
    config.momentum = 0.7F;
    config.decay = 0.1F;
    config.kernels.l2 = 0.2F;
    return config;
}

class EachOptimizer : public testing::TestWithParam<Kind> {};

TEST_P(EachOptimizer, agrees_with_the_formulae_in_double_for_any_number_of_weights) {
    for (const std::size_t count : {1U, 7U, 16U, 37U}) {
        const OptimizerConfig config = config_of(GetParam());
        Optimizer optimizer(config);
        std::vector<float> values(count);
        std::vector<float> gradients(count);
        std::vector<Reference> references;
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = random_normal(1, 1, i);
            references.push_back({config, values[i]});
        }
        const std::vector<TrainableParameter> parameters{
            {"w", Shape{static_cast<std::int64_t>(count)}, values, gradients, true, 0}};
        for (std::uint64_t step = 0; step < 30; ++step) {
            for (std::size_t i = 0; i < count; ++i) {
                gradients[i] = random_normal(2, step, i);
                references[i].move(gradients[i]);
            }
            optimizer.step(parameters);
            for (std::size_t i = 0; i < count; ++i) {
                const double wanted = references[i].value;
                ASSERT_NEAR(values[i], wanted, 1e-5 * (1.0 + std::abs(wanted)))
                    << "step " << step << ", weight " << i << " of " << count;
            }
        }
    }
}

TEST_P(EachOptimizer, gives_a_weight_the_same_bits_wherever_it_stands) {
    constexpr std::size_t kCount = 53;  // full vectors and a rest on any machine
    std::vector<float> values(kCount, 0.75F);
    std::vector<float> gradients(kCount);
    Optimizer optimizer(config_of(GetParam()));
    for (std::uint64_t step = 0; step < 20; ++step) {
        std::ranges::fill(gradients, random_normal(3, step, 0));
        optimizer.step(std::vector<TrainableParameter>{
            {"w", Shape{std::int64_t{kCount}}, values, gradients, true, 0}});
        for (const float value : values) ASSERT_EQ(value, values[0]) << step;
    }
}

INSTANTIATE_TEST_SUITE_P(Rules, EachOptimizer,
                         testing::Values(Kind::sgd, Kind::nesterov, Kind::adagrad, Kind::rmsprop,
                                         Kind::adam, Kind::nadam));

TEST(Optimizer, has_the_epsilon_of_the_adam_paper_at_its_first_step) {
    // One step of a tiny gradient: rate * (1 / (1 + epsilon' / |g|)), epsilon' = epsilon / sqrt(1 -
    // beta2), as in the form of section 2.
    std::vector<float> value{0.F};
    std::vector<float> gradient{1e-6F};
    Optimizer adam({.learning_rate = 0.1F});
    adam.step(std::vector<TrainableParameter>{{"w", Shape{1}, value, gradient, false, 0}});
    EXPECT_NEAR(value[0], -0.1 / (1.0 + 1e-7 / std::sqrt(0.001) / 1e-6), 1e-6);
}

TEST(Optimizer, projects_each_unit_of_a_kernel_to_the_maximum_norm) {
    std::vector<float> values{3.F, 0.1F, 4.F, 0.2F};  // [in, units]: norms 5 and 0.22
    std::vector<float> gradient(4, 0.F);
    OptimizerConfig config{.kind = Kind::sgd};
    config.of_parameter["w"] = {.max_norm = 1.F};
    Optimizer sgd(config);
    sgd.step(std::vector<TrainableParameter>{{"w", Shape{2, 2}, values, gradient, true, 1}});
    EXPECT_NEAR(values[0], 0.6F, 1e-6);
    EXPECT_NEAR(values[2], 0.8F, 1e-6);
    EXPECT_EQ(values[1], 0.1F);
    EXPECT_EQ(values[3], 0.2F);
}

TEST(Optimizer, projects_each_filter_of_a_convolution) {
    std::vector<float> values{3.F, 4.F, 0.1F, 0.2F};  // [filters, channels, width]
    std::vector<float> gradient(4, 0.F);
    Optimizer sgd({.kind = Kind::sgd, .kernels = {.max_norm = 2.F}});
    sgd.step(std::vector<TrainableParameter>{{"w", Shape{2, 1, 2}, values, gradient, true, 0}});
    EXPECT_NEAR(values[0], 1.2F, 1e-6);
    EXPECT_NEAR(values[1], 1.6F, 1e-6);
    EXPECT_EQ(values[2], 0.1F);
    EXPECT_EQ(values[3], 0.2F);
}

TEST(Optimizer, leaves_biases_without_l2_and_norm) {
    std::vector<float> values{30.F};
    std::vector<float> gradient{0.F};
    Optimizer sgd({.kind = Kind::sgd, .kernels = {.l2 = 1.F, .max_norm = 1.F}});
    sgd.step(std::vector<TrainableParameter>{{"b", Shape{1}, values, gradient, false, 0}});
    EXPECT_EQ(values[0], 30.F);
}

}  // namespace
}  // namespace tamis::engine
