#include "models/vae/likelihoods.hpp"

#include <cmath>
#include <gsl/assert>
#include <numbers>

namespace tamis::models::vae {
namespace {

constexpr double kPisrluFloor = 5e-3;
constexpr double kTanhClip = 0.999;
constexpr double kBinomialClip = 0.98;

// Scoring wants values only; training wants both from one set of formulas.
enum class Wanted : std::uint8_t { value, gradient };

double normal_density(double z) noexcept {
    return std::numbers::inv_sqrtpi / std::numbers::sqrt2 * std::exp(-0.5 * z * z);
}

double normal_below(double z) noexcept { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

// Phi(high) - Phi(low) for low <= high, by the tails on the side where both lie.
double normal_between(double low, double high) noexcept {
    if (low > 0) {
        return normal_below(-low) - normal_below(-high);
    }
    return normal_below(high) - normal_below(low);
}

// raw for raw > 0, else raw / sqrt(1 + raw^2): the inverse square root linear unit.
double isrlu(double raw) noexcept { return raw > 0 ? raw : raw / std::sqrt(1 + raw * raw); }

double isrlu_slope(double raw) noexcept {
    if (raw > 0) {
        return 1;
    }
    const double root = std::sqrt(1 + raw * raw);
    return 1 / (root * root * root);
}

// ln Gamma(x + 1) without the global sign that std::lgamma writes: many threads score at once.
double log_factorial(double x) noexcept {
    int sign = 0;
    return ::lgamma_r(x + 1, &sign);
}

template <Wanted W>
Term gaussian_of(double x, double location, double scale) noexcept {
    const double u = (x - location) / scale;
    Term term;
    term.value = std::log(scale) + 0.5 * u * u;
    if constexpr (W == Wanted::gradient) {
        term.d_location = -u / scale;
        term.d_scale = (1 - u * u) / scale;
    }
    return term;
}

template <Wanted W>
Term log_normal_of(double x, double location, double scale, double zero_fraction) noexcept {
    if (x < kZeroClip) {
        return {.value = -std::log(zero_fraction),
                .d_location = 0,
                .d_scale = 0,
                .d_zero_fraction = -1 / zero_fraction};
    }
    const double log_x = std::log(x);
    Term term = gaussian_of<W>(log_x, location, scale);
    term.value += log_x - std::log1p(-zero_fraction);
    term.d_zero_fraction = 1 / (1 - zero_fraction);
    return term;
}

// Adds -ln(1 + Phi(t)), t = (bound - location) / scale.
template <Wanted W>
void add_normalisation(double bound, double location, double scale, Term& term) noexcept {
    const double t = (bound - location) / scale;
    const double a = 1 + normal_below(t);
    term.value -= std::log(a);
    if constexpr (W == Wanted::gradient) {
        const double density = normal_density(t);
        term.d_location += density / (scale * a);
        term.d_scale += t * density / (scale * a);
    }
}

template <Wanted W>
Term positive_of(double x, double location, double scale) noexcept {
    Term term = gaussian_of<W>(x, location, scale);
    add_normalisation<W>(0, location, scale, term);
    return term;
}

template <Wanted W>
Term discrete_of(double x, double location, double scale) noexcept {
    const double high = (x + 0.5 - location) / scale;
    const double low = (x - 0.5 - location) / scale;
    const double probability = normal_between(low, high);
    Term term;
    // Not std::max: it would turn a NaN into the floor.
    term.value = -std::log(probability < kLeastProbability ? kLeastProbability : probability);
    if constexpr (W == Wanted::gradient) {
        if (probability >= kLeastProbability) {
            const double density_high = normal_density(high);
            const double density_low = normal_density(low);
            term.d_location = (density_high - density_low) / (scale * probability);
            term.d_scale = (high * density_high - low * density_low) / (scale * probability);
        }
    }
    add_normalisation<W>(-0.5, location, scale, term);
    return term;
}

Term binomial_of(double x, double raw) noexcept {
    const double t = std::tanh(raw);
    const double p = 0.5 * (1 + kBinomialClip * t);
    const double slope = 0.5 * kBinomialClip * (1 - t * t);
    Term term;
    term.value = x == 1 ? -std::log(p) : -std::log1p(-p);
    term.d_location = x == 1 ? -slope / p : slope / (1 - p);
    return term;
}

template <Wanted W>
Term poisson_of(double x, double raw) noexcept {
    const double mean = 1 + isrlu(raw);
    Term term;
    term.value = log_factorial(x) - x * std::log(mean) + mean;
    if constexpr (W == Wanted::gradient) {
        term.d_location = (1 - x / mean) * isrlu_slope(raw);
    }
    return term;
}

template <Wanted W, class Number>
Term term_of(std::size_t feature, double x, const DecoderRow<Number>& row) noexcept {
    const double par1 = row.par1[feature];
    const double scale = feature < kScaledFeatures ? pisrlu(row.par2_raw[feature]) : 0;
    switch (kFeatureLikelihoods[feature]) {
        case Likelihood::clipped_log_normal:
            return log_normal_of<W>(x, par1, scale, clipped_tanh(row.par3_raw[feature]));
        case Likelihood::gaussian:
            return gaussian_of<W>(x, par1, scale);
        case Likelihood::positive_gaussian:
            return positive_of<W>(x, par1, scale);
        case Likelihood::discrete_gaussian:
            return discrete_of<W>(x, par1, scale);
        case Likelihood::binomial:
            return binomial_of(x, par1);
        case Likelihood::poisson:
            return poisson_of<W>(x, par1);
    }
    return {};
}

template <class Number>
void expect_sizes(std::span<const float> x, const DecoderRow<Number>& row) noexcept {
    Expects(x.size() == kHighLevelFeatureCount && row.par1.size() == kHighLevelFeatureCount);
    Expects(row.par2_raw.size() == kScaledFeatures && row.par3_raw.size() == kZeroFeatures);
}

template <class Number>
double loss_of(std::span<const float> x, const DecoderRow<Number>& row,
               std::span<float> terms) noexcept {
    expect_sizes(x, row);
    Expects(terms.size() == kHighLevelFeatureCount);
    double sum = 0;
    for (std::size_t i = 0; i < kHighLevelFeatureCount; ++i) {
        const double value = term_of<Wanted::value>(i, x[i], row).value;
        terms[i] = static_cast<float>(value);
        sum += value;
    }
    return sum;
}

}  // namespace

double pisrlu(double raw) noexcept { return 1 + kPisrluFloor + isrlu(raw); }
double pisrlu_slope(double raw) noexcept { return isrlu_slope(raw); }

double clipped_tanh(double raw) noexcept { return 0.5 * (1 + kTanhClip * std::tanh(raw)); }
double clipped_tanh_slope(double raw) noexcept {
    const double t = std::tanh(raw);
    return 0.5 * kTanhClip * (1 - t * t);
}

Term clipped_log_normal_term(double x, double location, double scale,
                             double zero_fraction) noexcept {
    return log_normal_of<Wanted::gradient>(x, location, scale, zero_fraction);
}
Term gaussian_term(double x, double location, double scale) noexcept {
    return gaussian_of<Wanted::gradient>(x, location, scale);
}
Term positive_gaussian_term(double x, double location, double scale) noexcept {
    return positive_of<Wanted::gradient>(x, location, scale);
}
Term discrete_gaussian_term(double x, double location, double scale) noexcept {
    return discrete_of<Wanted::gradient>(x, location, scale);
}
Term binomial_term(double x, double raw) noexcept { return binomial_of(x, raw); }
Term poisson_term(double x, double raw) noexcept { return poisson_of<Wanted::gradient>(x, raw); }

double reconstruction_loss(std::span<const float> x, const DecoderRow<double>& row,
                           std::span<float> terms) noexcept {
    return loss_of(x, row, terms);
}

double reconstruction_loss(std::span<const float> x, const DecoderRow<float>& row,
                           std::span<float> terms) noexcept {
    return loss_of(x, row, terms);
}

double reconstruction_gradient(std::span<const float> x, const DecoderRow<float>& row,
                               const DecoderGradient& gradient) noexcept {
    expect_sizes(x, row);
    Expects(gradient.par1.size() == kHighLevelFeatureCount &&
            gradient.par2_raw.size() == kScaledFeatures &&
            gradient.par3_raw.size() == kZeroFeatures);
    double sum = 0;
    for (std::size_t i = 0; i < kHighLevelFeatureCount; ++i) {
        const Term term = term_of<Wanted::gradient>(i, x[i], row);
        sum += term.value;
        gradient.par1[i] = static_cast<float>(term.d_location);
        if (i < kScaledFeatures) {
            gradient.par2_raw[i] = static_cast<float>(term.d_scale * pisrlu_slope(row.par2_raw[i]));
        }
        if (i < kZeroFeatures) {
            gradient.par3_raw[i] =
                static_cast<float>(term.d_zero_fraction * clipped_tanh_slope(row.par3_raw[i]));
        }
    }
    return sum;
}

DivergenceTerm divergence_term(double mu, double sigma, double prior_mean, double prior_sigma,
                               DivergenceForm form) noexcept {
    const double pull = (prior_mean - mu) / prior_sigma;
    DivergenceTerm term;
    term.d_mu = -pull / prior_sigma;
    term.d_prior_mean = pull / prior_sigma;
    const double pull_by_sigma = -pull * pull / prior_sigma;
    if (form == DivergenceForm::as_published) {
        const double product = sigma * prior_sigma;
        term.value = 0.5 * (product * product + pull * pull + std::log(prior_sigma / sigma) - 1);
        term.d_sigma = product * prior_sigma - 0.5 / sigma;
        term.d_prior_sigma = product * sigma + pull_by_sigma + 0.5 / prior_sigma;
    } else {
        const double ratio = sigma / prior_sigma;
        term.value = 0.5 * (ratio * ratio + pull * pull - 1) - std::log(ratio);
        term.d_sigma = ratio / prior_sigma - 1 / sigma;
        term.d_prior_sigma = -ratio * ratio / prior_sigma + pull_by_sigma + 1 / prior_sigma;
    }
    return term;
}

}  // namespace tamis::models::vae
