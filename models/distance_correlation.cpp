#include "models/distance_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

namespace tamis::models {
namespace {

// Mean distance of each row from all rows, and the mean of these.
template <class Value>
double distance_means(std::span<const Value> values, std::vector<double>& means) {
    const auto rows = static_cast<double>(values.size());
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        double row = 0;
        for (const Value other : values) {
            row += std::abs(double{values[i]} - double{other});
        }
        means[i] = row / rows;
        sum += means[i];
    }
    return sum / rows;
}

}  // namespace

DistanceCorrelation::DistanceCorrelation(std::size_t most_rows)
    : score_means_(most_rows), other_means_(most_rows) {}

double DistanceCorrelation::evaluate(std::span<const double> scores, std::span<const float> others,
                                     std::span<double> gradient) {
    const std::size_t rows = scores.size();
    Expects(rows > 0 && rows <= score_means_.size() && others.size() == rows);
    Expects(gradient.empty() || gradient.size() == rows);
    const double score_mean = distance_means(scores, score_means_);
    const double other_mean = distance_means(others, other_means_);
    // Distances a and b, doubly centred A and B: covariance and variances are sums of a B, a A, b
    // B.
    double covariance = 0, score_variance = 0, other_variance = 0;
    const auto for_pairs = [&](std::size_t i, const auto& visit) {
        for (std::size_t j = 0; j < rows; ++j) {
            const double a = scores[i] - scores[j];
            const double b = std::abs(double{others[i]} - double{others[j]});
            visit(a, std::abs(a) - score_means_[i] - score_means_[j] + score_mean, b,
                  b - other_means_[i] - other_means_[j] + other_mean);
        }
    };
    for (std::size_t i = 0; i < rows; ++i) {
        for_pairs(i, [&](double a, double centred_a, double b, double centred_b) {
            covariance += std::abs(a) * centred_b;
            score_variance += std::abs(a) * centred_a;
            other_variance += b * centred_b;
        });
    }
    const double together = std::sqrt(std::max(0.0, score_variance * other_variance));
    if (!(together > 0)) {
        std::fill(gradient.begin(), gradient.end(), 0.0);
        return 0;
    }
    const double correlation = covariance / together;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        double by_covariance = 0, by_variance = 0;
        for_pairs(i, [&](double a, double centred_a, double /*b*/, double centred_b) {
            const double sign = a > 0 ? 1 : (a < 0 ? -1 : 0);
            by_covariance += sign * centred_b;
            by_variance += sign * centred_a;
        });
        gradient[i] = 2 * by_covariance / together - correlation * 2 * by_variance / score_variance;
    }
    return correlation;
}

}  // namespace tamis::models
