#include "models/calibration.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <cstdio>
#include <functional>
#include <gsl/assert>
#include <iterator>
#include <limits>

#include "models/tail_fit.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

using Binomial = boost::math::binomial_distribution<double>;

// Below this many accepted events a threshold's own error exceeds a third.
constexpr std::size_t kFewEvents = 10;

std::string formatted(const char* format, auto... values) {
    std::array<char, 300> text{};
    // The formats are literals of this file.
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

// Scores of one bin of pile-up in falling order, and the bin.
struct BinScores {
    std::vector<float> background, signal;
    double pileup_low = ThresholdBin{}.pileup_low, pileup_high = ThresholdBin{}.pileup_high;
};

double background_fraction(const WantedPoint& wanted) {
    return wanted.target == PointTarget::rate ? wanted.value / wanted.input_rate_hz : wanted.value;
}

struct SettledTail {
    TailFit fit;
    TailValue threshold;
    bool is_settled = false;
    double half_threshold = 0;  // with half the tail, where it is settled
};

bool lies_inside(double value, const std::optional<double>& low,
                 const std::optional<double>& high) {
    return value >= low.value_or(value) && value <= high.value_or(value);
}

// Whether the tail gives what the sample itself says of the threshold that ten events exceed.
bool agrees_with_sample(const TailFit& fit, std::span<const float> falling) {
    const double fraction = static_cast<double>(kFewEvents) / static_cast<double>(falling.size());
    const ScoreInterval seen = score_interval(falling, fraction);
    return lies_inside(fit.threshold_of(fraction).value, seen.low, seen.high);
}

// Halves the tail until it agrees with the sample and its own half with its interval.
SettledTail settle(TailFit fit, std::span<const float> falling, double fraction) {
    for (double share = 0.5;; share /= 2) {
        TailValue threshold = fit.threshold_of(fraction);
        auto half = TailFit::of(falling, share);
        if (!half) {
            return {std::move(fit), threshold, false, 0};
        }
        const double moved = half->threshold_of(fraction).value;
        if (lies_inside(moved, threshold.low, threshold.high) && agrees_with_sample(fit, falling)) {
            return {std::move(fit), threshold, true, moved};
        }
        fit = *std::move(half);
    }
}

// Sets thresholds point by point, in all bins.
class Calibrator {
 public:
    explicit Calibrator(std::vector<BinScores> bins) : bins_(std::move(bins)) {
        for (BinScores& bin : bins_) {
            std::sort(bin.background.begin(), bin.background.end(), std::greater<>());
            std::sort(bin.signal.begin(), bin.signal.end(), std::greater<>());
        }
    }

    [[nodiscard]] Calibration run(std::span<const WantedPoint> wanted) {
        for (const WantedPoint& point : wanted) {
            Expects(is_possible(point));
            set_point(point);
        }
        return std::move(made_);
    }

 private:
    void set_point(const WantedPoint& wanted);
    [[nodiscard]] std::optional<ThresholdBin> set_bin(const WantedPoint& wanted,
                                                      const BinScores& scores);
    [[nodiscard]] std::optional<ThresholdBin> at_efficiency(const WantedPoint& wanted,
                                                            const BinScores& scores);
    [[nodiscard]] std::optional<ThresholdBin> at_fraction(const WantedPoint& wanted,
                                                          const BinScores& scores);
    [[nodiscard]] std::optional<ThresholdBin> in_tail(const WantedPoint& wanted,
                                                      const BinScores& scores,
                                                      std::size_t accepted);
    void measure(WorkingPoint& point) const;
    void note(std::string line) { made_.notes.push_back(std::move(line)); }

    std::vector<BinScores> bins_;
    std::optional<TailFit> tail_;  // of the point in work, of its last bin
    Calibration made_;
};

void Calibrator::set_point(const WantedPoint& wanted) {
    tail_.reset();
    WorkingPoint point;
    point.name = wanted.name;
    point.target = wanted.target;
    point.wanted = wanted.value;
    point.input_rate_hz = wanted.target == PointTarget::rate ? wanted.input_rate_hz : 0;
    for (const BinScores& scores : bins_) {
        auto bin = set_bin(wanted, scores);
        if (!bin) {
            return;
        }
        bin->pileup_low = scores.pileup_low;
        bin->pileup_high = scores.pileup_high;
        point.bins.push_back(*bin);
    }
    measure(point);
    made_.points.push_back(std::move(point));
}

std::optional<ThresholdBin> Calibrator::set_bin(const WantedPoint& wanted,
                                                const BinScores& scores) {
    if (scores.background.empty()) {
        note(
            formatted("%s: not calibrated (no background event has a pile-up above %g and up to "
                      "%g)",
                      wanted.name.c_str(), scores.pileup_low, scores.pileup_high));
        return std::nullopt;
    }
    return wanted.target == PointTarget::signal_efficiency ? at_efficiency(wanted, scores)
                                                           : at_fraction(wanted, scores);
}

std::optional<ThresholdBin> Calibrator::at_efficiency(const WantedPoint& wanted,
                                                      const BinScores& scores) {
    const std::vector<float>& signal = scores.signal;
    if (signal.empty()) {
        note(formatted("%s: not calibrated (an efficiency needs signal events)",
                       wanted.name.c_str()));
        return std::nullopt;
    }
    // The last of them must pass. The small number keeps 0.9 of 10 events at 9.
    constexpr double kRounding = 1e-9;
    const auto kept = static_cast<std::size_t>(
        std::ceil(wanted.value * static_cast<double>(signal.size()) - kRounding));
    const float last = signal[std::max<std::size_t>(kept, 1) - 1];
    ThresholdBin bin;
    bin.offset = std::nextafter(last, -std::numeric_limits<float>::infinity());
    const ScoreInterval interval = score_interval(signal, wanted.value);
    bin.offset_low = interval.low;
    bin.offset_high = interval.high;
    if (bin.offset_low) {
        bin.offset_low = std::min(*bin.offset_low, bin.offset);
    }
    return bin;
}

std::optional<ThresholdBin> Calibrator::at_fraction(const WantedPoint& wanted,
                                                    const BinScores& scores) {
    const std::vector<float>& falling = scores.background;
    const double fraction = background_fraction(wanted);
    const auto position =
        static_cast<std::size_t>(std::floor(fraction * static_cast<double>(falling.size())));
    ThresholdBin bin;
    bin.offset = falling[std::min(position, falling.size() - 1)];
    const std::size_t accepted = count_above(falling, bin.offset);
    if (position < kFewEvents) {
        if (auto extrapolated = in_tail(wanted, scores, accepted)) {
            return extrapolated;
        }
    }
    if (accepted == 0) {
        note(
            formatted("%s: not calibrated (a fraction of %.3g needs more than %.3g background "
                      "events, there are %zu)",
                      wanted.name.c_str(), fraction, std::ceil(1 / fraction), falling.size()));
        return std::nullopt;
    }
    if (accepted < kFewEvents) {
        note(formatted("%s: rests on %zu of %zu background events; its error exceeds a third",
                       wanted.name.c_str(), accepted, falling.size()));
    }
    const ScoreInterval interval = score_interval(falling, fraction);
    bin.offset_low = interval.low;
    bin.offset_high = interval.high;
    return bin;
}

std::optional<ThresholdBin> Calibrator::in_tail(const WantedPoint& wanted, const BinScores& scores,
                                                std::size_t accepted) {
    const double fraction = background_fraction(wanted);
    const auto whole = TailFit::of(scores.background);
    if (!whole) {
        note(formatted("%s: no extrapolation (%s)", wanted.name.c_str(), whole.error().c_str()));
        return std::nullopt;
    }
    SettledTail tail = settle(*whole, scores.background, fraction);
    ThresholdBin bin;
    // As the score it is compared with.
    bin.offset = static_cast<double>(static_cast<float>(tail.threshold.value));
    bin.offset_low = tail.threshold.low;
    bin.offset_high = tail.threshold.high;
    bin.extrapolated = tail.fit.estimate();
    const TailEstimate& fitted = *bin.extrapolated;
    note(
        formatted("%s: extrapolated: tail of %zu of %zu background events above %.5g, shape %.3f "
                  "+- %.3f, scale %.4g +- %.2g; %zu events lie above the sample's own threshold",
                  wanted.name.c_str(), static_cast<std::size_t>(fitted.exceedances),
                  scores.background.size(), fitted.above, fitted.shape, fitted.shape_error,
                  fitted.scale, fitted.scale_error, accepted));
    if (tail.is_settled) {
        note(formatted("%s: with half the tail the threshold is %.5g, inside its interval",
                       wanted.name.c_str(), tail.half_threshold));
    } else {
        note(
            formatted("%s: NOT SETTLED: the threshold moves by more than its interval with where "
                      "the tail begins, down to the fewest scores; give more background events",
                      wanted.name.c_str()));
    }
    tail_ = std::move(tail.fit);
    return bin;
}

// What the finished point does to both samples.
void Calibrator::measure(WorkingPoint& point) const {
    std::size_t background = 0, accepted_background = 0, signal = 0, accepted_signal = 0;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
        const double threshold = point.bins[i].offset;
        background += bins_[i].background.size();
        accepted_background += count_above(bins_[i].background, threshold);
        signal += bins_[i].signal.size();
        accepted_signal += count_above(bins_[i].signal, threshold);
    }
    const Interval passed = clopper_pearson(accepted_background, background);
    point.background_fraction =
        static_cast<double>(accepted_background) / static_cast<double>(background);
    point.background_fraction_low = passed.low;
    point.background_fraction_high = passed.high;
    if (bins_.size() == 1 && tail_) {
        const TailValue fraction = tail_->fraction_above(point.bins[0].offset);
        point.background_fraction = fraction.value;
        point.background_fraction_low = fraction.low.value_or(0);
        point.background_fraction_high = fraction.high.value_or(1);
    }
    if (signal > 0) {
        const Interval efficiency = clopper_pearson(accepted_signal, signal);
        point.signal_efficiency =
            static_cast<double>(accepted_signal) / static_cast<double>(signal);
        point.signal_efficiency_low = efficiency.low;
        point.signal_efficiency_high = efficiency.high;
    }
}

}  // namespace

Interval clopper_pearson(std::size_t passed, std::size_t total, double confidence) {
    Expects(total > 0 && passed <= total && confidence > 0 && confidence < 1);
    const double tail = (1 - confidence) / 2;
    const auto n = static_cast<double>(total);
    const auto k = static_cast<double>(passed);
    return {.low = passed == 0 ? 0 : Binomial::find_lower_bound_on_p(n, k, tail),
            .high = passed == total ? 1 : Binomial::find_upper_bound_on_p(n, k, tail)};
}

ScoreInterval score_interval(std::span<const float> falling, double fraction) {
    Expects(!falling.empty() && fraction > 0 && fraction < 1);
    const double tail = (1 - kConfidence) / 2;
    const std::size_t total = falling.size();
    const Binomial above(static_cast<double>(total), fraction);
    // Of `above` events: with `fewest` or more the fewest-th score is above the true threshold,
    // with `most` or fewer the next one is not. The quantile is where the search begins.
    auto fewest = static_cast<std::size_t>(boost::math::quantile(above, tail)) + 1;
    while (fewest > 0 && boost::math::cdf(above, static_cast<double>(fewest - 1)) > tail) {
        --fewest;
    }
    auto most =
        static_cast<std::size_t>(boost::math::quantile(boost::math::complement(above, tail)));
    while (most < total &&
           boost::math::cdf(boost::math::complement(above, static_cast<double>(most))) > tail) {
        ++most;
    }
    ScoreInterval interval;
    if (most < total) {
        interval.low = falling[most];
    }
    if (fewest > 0) {
        interval.high = falling[fewest - 1];
    }
    return interval;
}

std::size_t count_above(std::span<const float> scores, double threshold) noexcept {
    return static_cast<std::size_t>(
        std::count_if(scores.begin(), scores.end(),
                      [threshold](float score) { return static_cast<double>(score) > threshold; }));
}

bool is_possible(const WantedPoint& wanted) noexcept {
    switch (wanted.target) {
        case PointTarget::background_fraction:
        case PointTarget::signal_efficiency:
            return wanted.value > 0 && wanted.value < 1;
        case PointTarget::rate:
            return wanted.value > 0 && wanted.value < wanted.input_rate_hz &&
                   std::isfinite(wanted.input_rate_hz);
        case PointTarget::unstated:
            break;
    }
    return false;
}

Calibration calibrate(std::span<const float> background,
                      std::span<const std::vector<float>> signals,
                      std::span<const WantedPoint> wanted) {
    Expects(!background.empty());
    std::vector<BinScores> bins(1);
    bins[0].background.assign(background.begin(), background.end());
    for (const std::vector<float>& scores : signals) {
        bins[0].signal.insert(bins[0].signal.end(), scores.begin(), scores.end());
    }
    return Calibrator(std::move(bins)).run(wanted);
}

Calibration calibrate_by_pileup(const ScoredEvents& background,
                                std::span<const ScoredEvents> signals,
                                std::span<const double> edges,
                                std::span<const WantedPoint> wanted) {
    Expects(!background.scores.empty() && std::is_sorted(edges.begin(), edges.end()));
    std::vector<BinScores> bins(edges.size() + 1);
    for (std::size_t i = 0; i < edges.size(); ++i) {
        bins[i].pileup_high = edges[i];
        bins[i + 1].pileup_low = edges[i];
    }
    const auto fill = [&](const ScoredEvents& events, std::vector<float> BinScores::*part) {
        Expects(events.scores.size() == events.pileup.size());
        for (std::size_t i = 0; i < events.scores.size(); ++i) {
            (bins[pileup_bin(edges, events.pileup[i])].*part).push_back(events.scores[i]);
        }
    };
    fill(background, &BinScores::background);
    for (const ScoredEvents& signal : signals) {
        fill(signal, &BinScores::signal);
    }
    return Calibrator(std::move(bins)).run(wanted);
}

double conformal_p_value(std::span<const float> rising, float score) noexcept {
    const auto at_least = rising.end() - std::lower_bound(rising.begin(), rising.end(), score);
    return (1.0 + static_cast<double>(at_least)) / (1.0 + static_cast<double>(rising.size()));
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
