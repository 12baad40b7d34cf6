#include "models/ringer/ringer_thresholds.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gsl/assert>
#include <vector>

namespace tamis::models {

namespace {

constexpr double kLowestEfficiency = 0.5;  // the search for fewer false alarms ends here

struct Label {
    float score;
    bool is_signal;
};

double accepted_fraction(std::span<const ScoredCluster> clusters, const ThresholdLine& line,
                         const ThresholdFit& fit) {
    if (clusters.empty()) {
        return 0;
    }
    const auto passed =
        std::count_if(clusters.begin(), clusters.end(), [&](const ScoredCluster& cluster) {
            return cluster.score > line.at(cluster.average_mu, fit.mu_low, fit.mu_high);
        });
    return static_cast<double>(passed) / static_cast<double>(clusters.size());
}

// Of a sample of signal, less what was given up for fewer false alarms.
double wanted_efficiency(std::span<const ScoredCluster> signal, const EfficiencyGoal& goal,
                         double given_up) {
    double efficiency = 0;
    if (goal.fixed) {
        efficiency = *goal.fixed;
    } else {
        const auto kept =
            std::count_if(signal.begin(), signal.end(),
                          [](const ScoredCluster& each) { return each.in_reference; });
        const double reference = static_cast<double>(kept) / static_cast<double>(signal.size());
        efficiency = reference + goal.relaxation * (1.0 - reference);
    }
    return std::max(0.0, efficiency - given_up);
}

std::vector<double> scores_of(std::span<const ScoredCluster> clusters) {
    std::vector<double> scores;
    scores.reserve(clusters.size());
    for (const ScoredCluster& cluster : clusters) {
        scores.push_back(cluster.score);
    }
    return scores;
}

// Weighted least squares of the slices' thresholds; 0 with fewer than two slices.
double fit_slope(std::span<const ScoredCluster> signal, const EfficiencyGoal& goal, double given_up,
                 const ThresholdFit& fit) {
    double sum = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    std::size_t slices = 0;
    std::vector<ScoredCluster> slice;
    for (double low = fit.mu_low; low < fit.mu_high; low += fit.slice_width) {
        slice.clear();
        double mean = 0;
        for (const ScoredCluster& cluster : signal) {
            if (cluster.average_mu >= low && cluster.average_mu < low + fit.slice_width) {
                slice.push_back(cluster);
                mean += cluster.average_mu;
            }
        }
        if (slice.size() < fit.least_entries) {
            continue;
        }
        const auto weight = static_cast<double>(slice.size());
        const double x = mean / weight;
        const double y =
            threshold_at_efficiency(scores_of(slice), wanted_efficiency(slice, goal, given_up));
        sum += weight;
        sum_x += weight * x;
        sum_y += weight * y;
        sum_xx += weight * x * x;
        sum_xy += weight * x * y;
        ++slices;
    }
    const double determinant = sum * sum_xx - sum_x * sum_x;
    if (slices < 2 || !(determinant > 0)) {
        return 0;
    }
    return std::min(0.0, (sum * sum_xy - sum_x * sum_y) / determinant);
}

FittedThreshold fit_once(std::span<const ScoredCluster> signal,
                         std::span<const ScoredCluster> background, const EfficiencyGoal& goal,
                         double given_up, const ThresholdFit& fit) {
    const double efficiency = wanted_efficiency(signal, goal, given_up);
    FittedThreshold fitted;
    fitted.efficiency = efficiency;
    fitted.line.slope = fit_slope(signal, goal, given_up, fit);
    std::vector<double> above_line;
    above_line.reserve(signal.size());
    for (const ScoredCluster& cluster : signal) {
        above_line.push_back(cluster.score -
                             fitted.line.at(cluster.average_mu, fit.mu_low, fit.mu_high));
    }
    fitted.line.offset = threshold_at_efficiency(above_line, efficiency);
    if (efficiency > 0 && efficiency < 1) {
        std::vector<float> falling(above_line.begin(), above_line.end());
        std::sort(falling.begin(), falling.end(), std::greater<>());
        fitted.offset = score_interval(falling, efficiency);
    }
    fitted.detection = accepted_fraction(signal, fitted.line, fit);
    fitted.false_alarm = accepted_fraction(background, fitted.line, fit);
    return fitted;
}

}  // namespace

double sp_index(double detection, double false_alarm) noexcept {
    const double rejection = 1.0 - false_alarm;
    return std::sqrt(std::sqrt(detection * rejection) * 0.5 * (detection + rejection));
}

SpPoint find_best_sp(std::span<const float> signal, std::span<const float> background) {
    Expects(!signal.empty() && !background.empty());
    std::vector<Label> labels;
    labels.reserve(signal.size() + background.size());
    for (const float score : signal) {
        labels.push_back({score, true});
    }
    for (const float score : background) {
        labels.push_back({score, false});
    }
    std::sort(labels.begin(), labels.end(),
              [](const Label& a, const Label& b) { return a.score > b.score; });
    SpPoint best;
    double passed_signal = 0, passed_background = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        (labels[i].is_signal ? passed_signal : passed_background) += 1;
        if (i + 1 < labels.size() && labels[i + 1].score == labels[i].score) {
            continue;  // no threshold lies between equal scores
        }
        const double detection = passed_signal / static_cast<double>(signal.size());
        const double false_alarm = passed_background / static_cast<double>(background.size());
        const double sp = sp_index(detection, false_alarm);
        if (sp > best.sp) {
            const double below =
                i + 1 < labels.size() ? labels[i + 1].score : labels[i].score - 1.0;
            best = {sp, 0.5 * (labels[i].score + below), detection, false_alarm};
        }
    }
    return best;
}

double threshold_at_efficiency(std::span<const double> scores, double efficiency) {
    Expects(!scores.empty() && efficiency >= 0 && efficiency <= 1);
    std::vector<double> sorted(scores.begin(), scores.end());
    std::sort(sorted.begin(), sorted.end());
    const auto count = static_cast<double>(sorted.size());
    const auto kept = static_cast<std::size_t>(std::ceil(efficiency * count - 1e-9));
    if (kept == 0) {
        return sorted.back();
    }
    // The kept-th largest must exceed the threshold; half way to the next smaller value.
    const std::size_t lowest_kept = sorted.size() - kept;
    const double value = sorted[lowest_kept];
    const auto smaller = std::lower_bound(sorted.begin(), sorted.end(), value);
    const double below =
        smaller == sorted.begin() ? value - 0.01 * (1.0 + std::abs(value)) : *std::prev(smaller);
    return 0.5 * (value + below);
}

double ThresholdLine::at(double average_mu, double mu_low, double mu_high) const noexcept {
    return slope * std::min(std::max(average_mu, mu_low), mu_high) + offset;
}

FittedThreshold fit_threshold(std::span<const ScoredCluster> signal,
                              std::span<const ScoredCluster> background, const EfficiencyGoal& goal,
                              const ThresholdFit& fit) {
    Expects(!signal.empty());
    Expects(!goal.fixed || (*goal.fixed > 0 && *goal.fixed <= 1));
    double given_up = 0;
    FittedThreshold fitted = fit_once(signal, background, goal, given_up, fit);
    while (fitted.false_alarm > fit.largest_false_alarm &&
           fitted.efficiency - fit.efficiency_step >= kLowestEfficiency) {
        given_up += fit.efficiency_step;
        fitted = fit_once(signal, background, goal, given_up, fit);
    }
    return fitted;
}

}  // namespace tamis::models
