#include "daemon/evaluation/baseline_comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <gsl/assert>

#include "models/roc_error.hpp"
#include "models/vae/published_results.hpp"

namespace tamis::daemon {

namespace {

constexpr double kFewestBackground = 5;
constexpr double kCurveStep = 1.1;
constexpr double kSigmas = 2;  // a lead below so many errors is none

// The other scores a VAE gives: which column, what it is.
struct OwnScore {
    const char* column;
    const char* method;
    const char* name;
    const char* how;
};
constexpr std::array<OwnScore, 4> kOwnScores = {{
    {"nll", "vae nll", "VAE, nll", "negative log-likelihood of the features: the model's score"},
    {"kl", "vae kl", "VAE, kl", "divergence of the latent space from the prior"},
    {"total", "", "VAE, total", "nll + beta kl"},
    {"mu2", "", "VAE, mu2", "squared mean in the latent space: what AXOL1TL triggers on"},
}};

// Scores of one method for one signal.
struct ScorePair {
    std::vector<float> background, signal;
};

std::vector<std::vector<float>> own_scores(const models::Model& model,
                                           const models::FeatureTable& table) {
    const auto columns = model.score_columns();
    std::vector<float> answers(table.rows() * columns.size());
    model.score_table(table.values, answers);
    std::vector<std::vector<float>> scores;
    for (const OwnScore& own : kOwnScores) {
        const auto at =
            static_cast<std::size_t>(std::ranges::find(columns, own.column) - columns.begin());
        Expects(at < columns.size());
        std::vector<float> column(table.rows());
        for (std::size_t row = 0; row < column.size(); ++row) {
            column[row] = answers[row * columns.size() + at];
        }
        scores.push_back(std::move(column));
    }
    return scores;
}

std::vector<RocPoint> sparse_curve(const std::vector<float>& falling,
                                   const std::vector<float>& signal) {
    std::vector<float> rising = signal;
    std::ranges::sort(rising);
    std::vector<RocPoint> curve{{1, 1}};
    const auto events = static_cast<double>(falling.size());
    for (double fraction = 1 / kCurveStep; fraction * events >= 1; fraction /= kCurveStep) {
        const float threshold = falling[static_cast<std::size_t>(fraction * events)];
        const auto above = rising.end() - std::ranges::upper_bound(rising, threshold);
        curve.push_back(
            {fraction, static_cast<double>(above) / static_cast<double>(rising.size())});
    }
    return curve;
}

MethodOnSignal judge(ScorePair pair, const models::RocPlacements& of_model,
                     const models::RocPlacements& placements,
                     const std::vector<double>& fractions) {
    MethodOnSignal judged;
    judged.area = placements.area;
    judged.area_error = models::area_error(placements);
    judged.lead = of_model.area - placements.area;
    judged.lead_error = models::difference_error(of_model, placements);
    std::ranges::sort(pair.background, std::greater<>());
    for (const double fraction : fractions) {
        judged.efficiencies.push_back(efficiency_at(pair.background, pair.signal, fraction));
    }
    judged.roc = sparse_curve(pair.background, pair.signal);
    return judged;
}

const models::Sample& sample_named(std::span<const models::Sample> samples,
                                   const std::string& name) {
    const auto found = std::ranges::find(samples, name, &models::Sample::name);
    Expects(found != samples.end());
    return *found;
}

// What is said of one signal at one fraction: rivals that accept as much or more of it.
std::string lost_at(const BaselineComparison& comparison, std::size_t signal, std::size_t at) {
    const double own =
        comparison.methods.front().by_signal[signal].efficiencies[at].efficiency.value;
    std::string rivals;
    for (const ComparedMethod& method : std::span(comparison.methods).subspan(1)) {
        const auto& other = method.by_signal[signal].efficiencies[at];
        if (method.knows_signals || other.efficiency.passed == 0 || other.efficiency.value < own) {
            continue;
        }
        const bool is_clear =
            other.with_threshold.low >
            comparison.methods.front().by_signal[signal].efficiencies[at].with_threshold.high;
        rivals += fmt::format("{}{} ({:.3g}{})", rivals.empty() ? "" : ", ", method.name,
                              other.efficiency.value, is_clear ? "" : ", within the errors");
    }
    if (rivals.empty()) return {};
    return fmt::format(
        "{} at a background fraction of {:g}: {:.3g} of the signal, not more than {}",
        comparison.signals[signal], comparison.fractions[at], own, rivals);
}

std::vector<std::string> verdicts_of(const BaselineComparison& comparison) {
    std::vector<std::string> verdicts;
    for (std::size_t signal = 0; signal < comparison.signals.size(); ++signal) {
        for (const ComparedMethod& method : std::span(comparison.methods).subspan(1)) {
            const MethodOnSignal& on = method.by_signal[signal];
            if (method.knows_signals || on.lead > kSigmas * on.lead_error) continue;
            verdicts.push_back(fmt::format(
                "{}: the ROC area {:.4f} does not beat {} ({:.4f}; "
                "difference {:+.4f} +- {:.4f})",
                comparison.signals[signal], comparison.methods.front().by_signal[signal].area,
                method.name, on.area, on.lead, on.lead_error));
        }
        for (std::size_t at = 0; at < comparison.fractions.size(); ++at) {
            std::string lost = lost_at(comparison, signal, at);
            if (!lost.empty()) verdicts.push_back(std::move(lost));
        }
    }
    return verdicts;
}

}  // namespace

EfficiencyAt efficiency_at(const std::vector<float>& falling, const std::vector<float>& signal,
                           double fraction) {
    const auto position = static_cast<std::size_t>(fraction * static_cast<double>(falling.size()));
    EfficiencyAt at;
    at.efficiency = fraction_of(models::count_above(signal, falling[position]), signal.size());
    const auto threshold = models::score_interval(falling, fraction);
    const auto ends = [&](const std::optional<double>& value) {
        return models::clopper_pearson(value ? models::count_above(signal, *value) : 0,
                                       signal.size());
    };
    at.with_threshold.low = threshold.high ? ends(threshold.high).low : 0;
    at.with_threshold.high = threshold.low ? ends(threshold.low).high : 1;
    return at;
}

BaselineComparison compare_with_baselines(const models::Model& model,
                                          std::span<const models::Sample> samples,
                                          std::span<const models::Baseline> baselines,
                                          std::span<const std::string> signals) {
    const models::FeatureTable& background = samples.front().table;
    BaselineComparison comparison;
    comparison.background_events = background.rows();
    comparison.signals.assign(signals.begin(), signals.end());
    for (const double fraction : models::vae::kPublishedFractions) {
        if (fraction * static_cast<double>(background.rows()) >= kFewestBackground) {
            comparison.fractions.push_back(fraction);
        }
    }
    const auto own_background = own_scores(model, background);
    std::vector<std::vector<std::vector<float>>> own_signals;
    std::vector<models::RocPlacements> of_model;
    for (const std::string& name : signals) {
        own_signals.push_back(own_scores(model, sample_named(samples, name).table));
        of_model.push_back(
            models::roc_placements(own_background.front(), own_signals.back().front()));
    }
    const auto add = [&](ComparedMethod method, const auto& scores_on) {
        for (std::size_t signal = 0; signal < signals.size(); ++signal) {
            ScorePair pair = scores_on(signal);
            const auto placements = models::roc_placements(pair.background, pair.signal);
            method.by_signal.push_back(
                judge(std::move(pair), of_model[signal], placements, comparison.fractions));
        }
        comparison.methods.push_back(std::move(method));
    };
    for (std::size_t own = 0; own < kOwnScores.size(); ++own) {
        add({kOwnScores[own].method, kOwnScores[own].name, kOwnScores[own].how, false, {}},
            [&](std::size_t signal) {
                return ScorePair{own_background[own], own_signals[signal][own]};
            });
    }
    for (const models::Baseline& baseline : baselines) {
        const bool is_one = baseline.scores.size() == 1;
        const auto of_background =
            is_one ? baseline.scores.front()(background) : std::vector<float>();
        add({baseline.method, baseline.name, baseline.how, baseline.knows_signals, {}},
            [&](std::size_t signal) {
                const models::RowScore& score = baseline.scores[is_one ? 0 : signal];
                return ScorePair{is_one ? of_background : score(background),
                                 score(sample_named(samples, signals[signal]).table)};
            });
    }
    comparison.verdicts = verdicts_of(comparison);
    return comparison;
}

}  // namespace tamis::daemon
