#include "models/calibration.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <cstdio>
#include <functional>
#include <gsl/assert>

namespace tamis::models {
namespace {

// Below this many accepted events a threshold's own error exceeds a third.
constexpr std::size_t kFewEvents = 10;

std::string note(const WantedPoint& wanted, std::size_t accepted, std::size_t total) {
    std::array<char, 200> text{};
    if (accepted == 0) {
        std::snprintf(text.data(), text.size(),
                      "%s: not calibrated (a fraction of %.3g needs more than %.3g background "
                      "events, there are %zu)",
                      wanted.name.c_str(), wanted.fraction, std::ceil(1 / wanted.fraction), total);
    } else {
        std::snprintf(text.data(), text.size(),
                      "%s: rests on %zu of %zu background events; its error exceeds a third",
                      wanted.name.c_str(), accepted, total);
    }
    return text.data();
}

double mean_efficiency(std::span<const std::vector<float>> signals, double threshold) {
    if (signals.empty()) {
        return 0;
    }
    double sum = 0;
    for (const std::vector<float>& scores : signals) {
        Expects(!scores.empty());
        sum += static_cast<double>(count_above(scores, threshold)) /
               static_cast<double>(scores.size());
    }
    return sum / static_cast<double>(signals.size());
}

}  // namespace

Interval clopper_pearson(std::size_t passed, std::size_t total, double confidence) {
    Expects(total > 0 && passed <= total && confidence > 0 && confidence < 1);
    using Binomial = boost::math::binomial_distribution<double>;
    const double tail = (1 - confidence) / 2;
    const auto n = static_cast<double>(total);
    const auto k = static_cast<double>(passed);
    return {.low = passed == 0 ? 0 : Binomial::find_lower_bound_on_p(n, k, tail),
            .high = passed == total ? 1 : Binomial::find_upper_bound_on_p(n, k, tail)};
}

std::size_t count_above(std::span<const float> scores, double threshold) noexcept {
    return static_cast<std::size_t>(
        std::count_if(scores.begin(), scores.end(),
                      [threshold](float score) { return static_cast<double>(score) > threshold; }));
}

Calibration calibrate(std::span<const float> background,
                      std::span<const std::vector<float>> signals,
                      std::span<const WantedPoint> wanted) {
    Expects(!background.empty());
    std::vector<float> falling(background.begin(), background.end());
    std::sort(falling.begin(), falling.end(), std::greater<>());
    const std::size_t total = falling.size();

    Calibration calibration;
    for (const WantedPoint& point : wanted) {
        Expects(point.fraction > 0 && point.fraction < 1);
        const auto position =
            static_cast<std::size_t>(std::floor(point.fraction * static_cast<double>(total)));
        const double threshold = falling[std::min(position, total - 1)];
        const std::size_t accepted = count_above(falling, threshold);
        if (accepted < kFewEvents) {
            calibration.notes.push_back(note(point, accepted, total));
        }
        if (accepted == 0) {
            continue;
        }
        const Interval interval = clopper_pearson(accepted, total);
        WorkingPoint made;
        made.name = point.name;
        made.bins.push_back(ThresholdBin{.offset = threshold});
        made.background_fraction = static_cast<double>(accepted) / static_cast<double>(total);
        made.background_fraction_low = interval.low;
        made.background_fraction_high = interval.high;
        made.signal_efficiency = mean_efficiency(signals, threshold);
        calibration.points.push_back(std::move(made));
    }
    return calibration;
}

double roc_area(std::span<const float> background, std::span<const float> signal) {
    Expects(!background.empty() && !signal.empty());
    std::vector<float> below(background.begin(), background.end());
    std::sort(below.begin(), below.end());
    double wins = 0;
    for (const float score : signal) {
        const auto [first, last] = std::equal_range(below.begin(), below.end(), score);
        wins +=
            static_cast<double>(first - below.begin()) + 0.5 * static_cast<double>(last - first);
    }
    return wins / (static_cast<double>(background.size()) * static_cast<double>(signal.size()));
}

}  // namespace tamis::models
