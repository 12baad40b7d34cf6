#include "models/vae/likelihoods.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

namespace tamis::models::vae {
namespace {

constexpr double kStep = 1e-6;

double slope_of(const std::function<double(double)>& f, double at, double step = kStep) {
    return (f(at + step) - f(at - step)) / (2 * step);
}

// Relative to the larger of the two and 1: both sides carry rounding of about 1e-10 / step.
void expect_close(double analytic, double numeric, double tolerance = 2e-6) {
    EXPECT_NEAR(analytic, numeric, tolerance * std::max({1.0, std::abs(analytic)}));
}

using ScaledTerm = Term (*)(double, double, double) noexcept;

void check_scaled(ScaledTerm term, const std::vector<double>& xs) {
    for (const double x : xs) {
        for (const double location : {-3.0, -0.2, 0.0, 1.3, 7.0}) {
            for (const double scale : {0.4, 1.0, 4.5}) {
                SCOPED_TRACE(testing::Message() << x << " " << location << " " << scale);
                const Term t = term(x, location, scale);
                if (t.value > 20) {
                    continue;  // at the floor of the probability the slope is cut, tested below
                }
                expect_close(t.d_location,
                             slope_of([&](double m) { return term(x, m, scale).value; }, location));
                expect_close(t.d_scale,
                             slope_of([&](double s) { return term(x, location, s).value; }, scale));
            }
        }
    }
}

TEST(Likelihoods, clipped_log_normal_gradient) {
    for (const double x : {0.0, 5e-5, 2e-4, 0.3, 40.0}) {
        const Term t = clipped_log_normal_term(x, 0.7, 1.4, 0.3);
        expect_close(
            t.d_location,
            slope_of([&](double m) { return clipped_log_normal_term(x, m, 1.4, 0.3).value; }, 0.7));
        expect_close(
            t.d_scale,
            slope_of([&](double s) { return clipped_log_normal_term(x, 0.7, s, 0.3).value; }, 1.4));
        expect_close(
            t.d_zero_fraction,
            slope_of([&](double f) { return clipped_log_normal_term(x, 0.7, 1.4, f).value; }, 0.3));
    }
}

TEST(Likelihoods, gaussian_gradient) { check_scaled(gaussian_term, {-20.0, 0.0, 3.0}); }
TEST(Likelihoods, positive_gaussian_gradient) {
    check_scaled(positive_gaussian_term, {0.0, 1.0, 12.0});
}
TEST(Likelihoods, discrete_gaussian_gradient) {
    check_scaled(discrete_gaussian_term, {0.0, 1.0, 2.0, 5.0});
}

TEST(Likelihoods, binomial_and_poisson_gradient) {
    for (const double raw : {-4.0, -0.6, 0.0, 0.9, 3.0}) {
        for (const double x : {-1.0, 0.0, 1.0}) {
            expect_close(binomial_term(x, raw).d_location,
                         slope_of([&](double a) { return binomial_term(x, a).value; }, raw));
        }
        for (const double x : {0.0, 3.0, 261.0}) {
            expect_close(poisson_term(x, raw + 1e-3).d_location,
                         slope_of([&](double a) { return poisson_term(x, a).value; }, raw + 1e-3));
        }
    }
}

TEST(Likelihoods, discrete_probability_keeps_its_digits_in_both_tails) {
    // A location of 0 with x = 6 and one of 12 with x = 6 are mirror images.
    const double above = discrete_gaussian_term(6, 0, 1).value;
    const double below = discrete_gaussian_term(6, 12, 1).value;
    const double normalised_above = above + std::log1p(0.5 * std::erfc(0.5 / std::sqrt(2.0)));
    const double normalised_below = below + std::log1p(0.5 * std::erfc(12.5 / std::sqrt(2.0)));
    EXPECT_NEAR(normalised_above, normalised_below, 1e-12);
}

TEST(Likelihoods, discrete_probability_has_a_floor_without_slope) {
    const Term t = discrete_gaussian_term(40, 0, 1);
    EXPECT_NEAR(t.value, -std::log(1e-10) - std::log1p(0.5 * std::erfc(0.5 / std::sqrt(2.0))),
                1e-12);
    expect_close(t.d_location,
                 slope_of([](double m) { return discrete_gaussian_term(40, m, 1).value; }, 0.0));
}

TEST(Likelihoods, activations_match_their_definition_and_slope) {
    EXPECT_DOUBLE_EQ(pisrlu(2.0), 3.005);
    EXPECT_DOUBLE_EQ(pisrlu(0.0), 1.005);
    EXPECT_NEAR(pisrlu(-1e6), 5e-3, 1e-9);
    EXPECT_NEAR(clipped_tanh(50.0), 0.9995, 1e-12);
    for (const double raw : {-3.0, -0.4, 0.5, 2.0}) {
        expect_close(pisrlu_slope(raw), slope_of(pisrlu, raw));
        expect_close(clipped_tanh_slope(raw), slope_of(clipped_tanh, raw));
    }
}

TEST(Likelihoods, divergence_gradients_of_both_forms) {
    for (const auto form : {DivergenceForm::exact, DivergenceForm::as_published}) {
        const DivergenceTerm t = divergence_term(0.7, 0.3, 1.6, 2.2, form);
        const auto value = [form](double m, double s, double pm, double ps) {
            return divergence_term(m, s, pm, ps, form).value;
        };
        expect_close(t.d_mu, slope_of([&](double v) { return value(v, 0.3, 1.6, 2.2); }, 0.7));
        expect_close(t.d_sigma, slope_of([&](double v) { return value(0.7, v, 1.6, 2.2); }, 0.3));
        expect_close(t.d_prior_mean,
                     slope_of([&](double v) { return value(0.7, 0.3, v, 2.2); }, 1.6));
        expect_close(t.d_prior_sigma,
                     slope_of([&](double v) { return value(0.7, 0.3, 1.6, v); }, 2.2));
    }
}

TEST(Likelihoods, exact_divergence_vanishes_at_the_prior_and_the_published_one_does_not) {
    EXPECT_NEAR(divergence_term(1.6, 2.2, 1.6, 2.2, DivergenceForm::exact).value, 0, 1e-15);
    EXPECT_GT(divergence_term(1.6, 2.2, 1.6, 2.2, DivergenceForm::as_published).value, 1);
}

TEST(Likelihoods, row_gradient_is_that_of_the_sum) {
    const std::vector<float> x = {60, 9,  0, 0, 35, 12, 35, 0.1F, 0,   0.03F, -20,
                                  4,  55, 1, 2, 1,  1,  -1, 1,    255, 100};
    std::vector<float> par1(21), par2(17), par3(10), d1(21), d2(17), d3(10), terms(21);
    for (std::size_t i = 0; i < 21; ++i) {
        par1[i] = 0.25F + 0.125F * static_cast<float>(i % 5);
        if (i < 17) {
            par2[i] = i % 2 == 0 ? 1.5F : -0.5F;
        }
        if (i < 10) {
            par3[i] = i % 2 == 0 ? 0.25F : -1.25F;
        }
    }
    par2[10] = par2[11] = par2[12] = 30;
    const DecoderRow<float> row{par1, par2, par3};
    const double sum = reconstruction_gradient(x, row, {d1, d2, d3});
    EXPECT_DOUBLE_EQ(sum, reconstruction_loss(x, row, terms));
    const float step = 1.0F / 1024;
    const auto check = [&](std::vector<float>& parameters, const std::vector<float>& gradient) {
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            const float at = parameters[i];
            parameters[i] = at + step;
            const double high = reconstruction_loss(x, row, terms);
            parameters[i] = at - step;
            const double low = reconstruction_loss(x, row, terms);
            parameters[i] = at;
            EXPECT_NEAR(gradient[i], (high - low) / (2.0 * step),
                        1e-4 * std::max(1.0F, std::abs(gradient[i])))
                << i;
        }
    };
    check(par1, d1);
    check(par2, d2);
    check(par3, d3);
}

}  // namespace
}  // namespace tamis::models::vae
