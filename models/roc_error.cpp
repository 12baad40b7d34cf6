#include "models/roc_error.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

namespace tamis::models {
namespace {

// For each value the share of `others` below it, equal ones counted half.
std::vector<double> shares_below(std::span<const float> values, std::span<const float> others) {
    std::vector<float> rising(others.begin(), others.end());
    std::sort(rising.begin(), rising.end());
    std::vector<double> shares(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto [first, last] = std::equal_range(rising.begin(), rising.end(), values[i]);
        shares[i] = 0.5 * static_cast<double>((first - rising.begin()) + (last - rising.begin())) /
                    static_cast<double>(rising.size());
    }
    return shares;
}

double mean_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return sum / static_cast<double>(values.size());
}

// Variance of the mean of the differences between two columns; of one column against nothing.
double variance_of_mean(const std::vector<double>& first, const std::vector<double>* second) {
    if (first.size() < 2) {
        return 0;
    }
    const double middle = mean_of(first) - (second == nullptr ? 0 : mean_of(*second));
    double squares = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
        const double value = first[i] - (second == nullptr ? 0 : (*second)[i]) - middle;
        squares += value * value;
    }
    const auto count = static_cast<double>(first.size());
    return squares / (count - 1) / count;
}

}  // namespace

RocPlacements roc_placements(std::span<const float> background, std::span<const float> signal) {
    Expects(!background.empty() && !signal.empty());
    RocPlacements placements;
    placements.of_signal = shares_below(signal, background);
    placements.of_background = shares_below(background, signal);
    for (double& share : placements.of_background) {
        share = 1 - share;
    }
    placements.area = mean_of(placements.of_signal);
    return placements;
}

double area_error(const RocPlacements& score) {
    return std::sqrt(variance_of_mean(score.of_signal, nullptr) +
                     variance_of_mean(score.of_background, nullptr));
}

double difference_error(const RocPlacements& first, const RocPlacements& second) {
    Expects(first.of_signal.size() == second.of_signal.size());
    Expects(first.of_background.size() == second.of_background.size());
    return std::sqrt(variance_of_mean(first.of_signal, &second.of_signal) +
                     variance_of_mean(first.of_background, &second.of_background));
}

}  // namespace tamis::models
