#include "models/ringer/ringer_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <gsl/assert>

#include "models/calibration.hpp"
#include "models/ringer/cut_selection.hpp"
#include "models/ringer/ringer_bins.hpp"
#include "models/ringer/ringer_scorer.hpp"
#include "models/ringer/ringer_thresholds.hpp"

namespace tamis::models {

namespace {

struct Count {
    std::size_t passed = 0, total = 0;

    void add(bool pass) noexcept {
        ++total;
        passed += pass ? 1 : 0;
    }
    [[nodiscard]] double fraction() const noexcept {
        return total == 0 ? 0.0 : static_cast<double>(passed) / static_cast<double>(total);
    }
};

std::string with_interval(const Count& count) {
    const Interval interval = clopper_pearson(count.passed, count.total);
    return fmt::format("{:.4f} of {} ({:.4f} to {:.4f})", count.fraction(), count.total,
                       interval.low, interval.high);
}

struct Verdict {
    Count electrons, others;

    void add(bool is_electron, bool pass) noexcept { (is_electron ? electrons : others).add(pass); }
    [[nodiscard]] bool is_whole() const noexcept { return electrons.total > 0 && others.total > 0; }
    [[nodiscard]] double sp() const { return sp_index(electrons.fraction(), others.fraction()); }
    [[nodiscard]] std::string text() const {
        return fmt::format("PD {}, FA {}, SP {:.4f}", with_interval(electrons),
                           with_interval(others), sp());
    }
};

Verdict cut_verdict(CutPoint point, std::optional<double> cut_chain_gev,
                    std::span<const RingerSample> samples) {
    Verdict verdict;
    for (const RingerSample& sample : samples) {
        verdict.add(sample.is_electron,
                    passes_cuts(point, *sample.shapes, sample.et, sample.eta, cut_chain_gev));
    }
    return verdict;
}

std::vector<float> score_all(const RingerBank& bank, std::span<const RingerSample> samples) {
    std::vector<float> answers(samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        bank.score(samples[i].et, samples[i].eta, samples[i].rings, std::span(&answers[i], 1));
    }
    return answers;
}

std::string bin_line(const NetworkFile& bin, std::span<const RingerSample> samples,
                     std::span<const float> answers) {
    std::vector<float> electrons, others;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (find_bin(std::span(&bin, 1), samples[i].et, samples[i].eta)) {
            (samples[i].is_electron ? electrons : others).push_back(answers[i]);
        }
    }
    std::string line = fmt::format("{}: {}/{}", bin.file, electrons.size(), others.size());
    if (!electrons.empty() && !others.empty()) {
        const SpPoint best = find_best_sp(electrons, others);
        line += fmt::format(", SP {:.4f}, PD {:.4f}, FA {:.4f}", best.sp, best.detection,
                            best.false_alarm);
    }
    return line;
}

bool passes_point(const WorkingPoint& point, const RingerSample& sample, float answer) {
    const auto threshold = find_threshold(point, sample.et, sample.eta, sample.average_mu);
    return threshold && passes(answer, *threshold, false);
}

void write_measured(const Verdict& verdict, WorkingPoint& point) {
    const Interval background = clopper_pearson(verdict.others.passed, verdict.others.total);
    const Interval signal = clopper_pearson(verdict.electrons.passed, verdict.electrons.total);
    point.signal_efficiency = verdict.electrons.fraction();
    point.signal_efficiency_low = signal.low;
    point.signal_efficiency_high = signal.high;
    point.background_fraction = verdict.others.fraction();
    point.background_fraction_low = background.low;
    point.background_fraction_high = background.high;
}

// Efficiencies of ringer and cuts on electrons, in slices of pile-up.
std::string pileup_line(const WorkingPoint& point, CutPoint cuts,
                        std::optional<double> cut_chain_gev, std::span<const RingerSample> samples,
                        std::span<const float> answers) {
    constexpr std::size_t kSlices = 4;
    constexpr std::size_t kFewest = 20;
    const double width = (point.mu_high - point.mu_low) / kSlices;
    std::string line = point.name + " by pile-up, PD of ringer/cuts:";
    for (std::size_t slice = 0; slice < kSlices; ++slice) {
        const double low = point.mu_low + width * static_cast<double>(slice);
        Count ringer, reference;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const RingerSample& sample = samples[i];
            if (sample.is_electron && sample.average_mu >= low && sample.average_mu < low + width &&
                find_threshold(point, sample.et, sample.eta, sample.average_mu)) {
                ringer.add(passes_point(point, sample, answers[i]));
                reference.add(
                    passes_cuts(cuts, *sample.shapes, sample.et, sample.eta, cut_chain_gev));
            }
        }
        if (ringer.total >= kFewest) {
            line += fmt::format(" {:.0f} to {:.0f}: {:.4f}/{:.4f} of {};", low, low + width,
                                ringer.fraction(), reference.fraction(), ringer.total);
        }
    }
    return line;
}

}  // namespace

std::string cross_validation_line(const std::string& file, const CrossValidation& validated,
                                  const RingRows& rows, std::size_t initialisations) {
    const Spread sp = validated.spread(&SpPoint::sp);
    const Spread detection = validated.spread(&SpPoint::detection);
    const Spread false_alarm = validated.spread(&SpPoint::false_alarm);
    const FoldResult& kept = validated.folds[validated.chosen];
    return fmt::format(
        "{}: {}/{}, {} x {}: SP {:.4f} +- {:.4f}, PD {:.4f} +- {:.4f}, FA {:.4f} +- {:.4f}; fold "
        "{} start {} kept, {} epochs, SP of all {:.4f}",
        file, rows.electrons(), rows.count() - rows.electrons(), validated.folds.size(),
        initialisations, sp.mean, sp.deviation, detection.mean, detection.deviation,
        false_alarm.mean, false_alarm.deviation, validated.chosen + 1, kept.initialisation + 1,
        kept.epochs, kept.operation.sp);
}

bool have_shapes(std::span<const RingerSample> samples) noexcept {
    return std::all_of(samples.begin(), samples.end(),
                       [](const RingerSample& sample) { return sample.shapes.has_value(); });
}

std::vector<std::string> cut_selection_lines(std::span<const RingerSample> samples,
                                             std::optional<double> cut_chain_gev,
                                             const std::string& which) {
    std::vector<std::string> lines;
    if (!have_shapes(samples)) {
        return lines;
    }
    for (const CutPoint point : kCutPoints) {
        const Verdict verdict = cut_verdict(point, cut_chain_gev, samples);
        if (verdict.is_whole()) {
            lines.push_back(
                fmt::format("cut-based {} on {}: {}", to_string(point), which, verdict.text()));
        }
    }
    return lines;
}

std::vector<std::string> measure_ringer(std::vector<WorkingPoint>& points, const RingerBank& bank,
                                        std::span<const RingerSample> tested,
                                        std::optional<double> cut_chain_gev) {
    Expects(!tested.empty());
    const std::vector<float> answers = score_all(bank, tested);
    std::vector<std::string> lines;
    lines.emplace_back("test sample, bin by bin: electrons/others, largest SP with its PD and FA");
    for (const NetworkFile& bin : bank.bins) {
        lines.push_back(bin_line(bin, tested, answers));
    }
    std::vector<RingerSample> in_bins;
    for (std::size_t i = 0; i < tested.size(); ++i) {
        if (answers[i] != kNoBinDiscriminant) {
            in_bins.push_back(tested[i]);
        }
    }
    lines.emplace_back("working points on the test sample, fractions with their 95 % intervals");
    const bool compare = have_shapes(tested);
    for (WorkingPoint& point : points) {
        Verdict verdict;
        for (std::size_t i = 0; i < tested.size(); ++i) {
            if (answers[i] != kNoBinDiscriminant) {
                verdict.add(tested[i].is_electron, passes_point(point, tested[i], answers[i]));
            }
        }
        if (!verdict.is_whole()) {
            continue;
        }
        write_measured(verdict, point);
        lines.push_back(
            fmt::format("{} (wanted PD {:.4f}): {}", point.name, point.wanted, verdict.text()));
    }
    if (compare) {
        for (std::string& line : cut_selection_lines(in_bins, cut_chain_gev, "the test sample")) {
            lines.push_back(std::move(line));
        }
        for (const WorkingPoint& point : points) {
            if (const auto cuts = find_cut_point(point.name)) {
                lines.push_back(pileup_line(point, *cuts, cut_chain_gev, tested, answers));
            }
        }
    }
    return lines;
}

}  // namespace tamis::models
