// Negative log-likelihoods of the 21 features and the divergence of the latent space, with their
// gradients: what the published network is trained with and scored by (arXiv:1811.10276, section 4;
// constants as in its code). Double precision throughout, complementary error functions on the side
// where they keep their digits. No allocation; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "models/event_features.hpp"

namespace tamis::models::vae {

enum class Likelihood : std::uint8_t {
    clipped_log_normal,  // a mass at zero, else log-normal: momenta, masses, isolations
    gaussian,            // momenta with a sign
    positive_gaussian,   // transverse mass
    discrete_gaussian,   // small counts
    binomial,            // two values, of which one is 1
    poisson,             // large counts
};

using enum Likelihood;
inline constexpr std::array<Likelihood, kHighLevelFeatureCount> kFeatureLikelihoods = {
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    clipped_log_normal,
    gaussian,
    gaussian,
    positive_gaussian,
    discrete_gaussian,
    discrete_gaussian,
    discrete_gaussian,
    discrete_gaussian,
    binomial,
    binomial,
    poisson,
    poisson};

inline constexpr std::size_t kScaledFeatures = 17;  // features 0..16 have a scale: par2
inline constexpr std::size_t kZeroFeatures = 10;    // features 0..9 have a zero fraction: par3
inline constexpr double kZeroClip = 1e-4;           // a log-normal feature below it counts as zero
inline constexpr double kLeastProbability = 1e-10;  // floor of a discrete Gaussian's probability

// Activations of the network's heads; all are applied here, none in the network.
[[nodiscard]] double pisrlu(double raw) noexcept;        // 1.005 + raw or less steep; > 0.005
[[nodiscard]] double clipped_tanh(double raw) noexcept;  // (0.0005, 0.9995)
[[nodiscard]] double pisrlu_slope(double raw) noexcept;
[[nodiscard]] double clipped_tanh_slope(double raw) noexcept;

// One feature's -ln L and its derivatives; densities drop their constant ln(2 pi)/2.
struct Term {
    double value = 0;
    double d_location = 0;
    double d_scale = 0;
    double d_zero_fraction = 0;
};

[[nodiscard]] Term clipped_log_normal_term(double x, double location, double scale,
                                           double zero_fraction) noexcept;
[[nodiscard]] Term gaussian_term(double x, double location, double scale) noexcept;
// Normalised by 1 + Phi(-location/scale), the published first-order stand-in for 1/(1 - Phi).
[[nodiscard]] Term positive_gaussian_term(double x, double location, double scale) noexcept;
// Probability of the interval x +- 1/2, normalised likewise from -1/2.
[[nodiscard]] Term discrete_gaussian_term(double x, double location, double scale) noexcept;
// `raw` is before the activation, and so is the derivative.
[[nodiscard]] Term binomial_term(double x, double raw) noexcept;
[[nodiscard]] Term poisson_term(double x, double raw) noexcept;

// What the decoder says of one event, before activations: 21, 17 and 10 numbers; floats in
// training, doubles in scoring.
template <class Number>
struct DecoderRow {
    std::span<const Number> par1, par2_raw, par3_raw;
};
struct DecoderGradient {
    std::span<float> par1, par2_raw, par3_raw;
};

// Sum over the features of x (21, finite: callers check); `terms` (21) receives each feature's
// part. Not finite where the row is not, or where a Poisson count is a negative integer.
[[nodiscard]] double reconstruction_loss(std::span<const float> x, const DecoderRow<double>& row,
                                         std::span<float> terms) noexcept;
[[nodiscard]] double reconstruction_loss(std::span<const float> x, const DecoderRow<float>& row,
                                         std::span<float> terms) noexcept;
// The same sum, with its derivatives by the decoder's outputs.
[[nodiscard]] double reconstruction_gradient(std::span<const float> x, const DecoderRow<float>& row,
                                             const DecoderGradient& gradient) noexcept;

// The divergence of N(mu, sigma) from the prior N(prior_mean, prior_sigma), per latent dimension.
// as_published is the formula in the paper and its code, which is not the Kullback-Leibler
// divergence; published weights were trained with it.
enum class DivergenceForm : std::uint8_t { exact, as_published };

struct DivergenceTerm {
    double value = 0;
    double d_mu = 0, d_sigma = 0, d_prior_mean = 0, d_prior_sigma = 0;
};
[[nodiscard]] DivergenceTerm divergence_term(double mu, double sigma, double prior_mean,
                                             double prior_sigma, DivergenceForm form) noexcept;

}  // namespace tamis::models::vae
