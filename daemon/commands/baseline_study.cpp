#include "daemon/commands/baseline_study.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "daemon/commands/progress.hpp"
#include "daemon/commands/text_table.hpp"
#include "models/vae/vae_samples.hpp"

namespace tamis::daemon {

namespace {

models::VaeSamples learnt_samples(const StudySizes& sizes) {
    say(fmt::format("generating {} background events and {} of each signal to learn from",
                    sizes.training, sizes.training / 4));
    return models::synthetic_vae_samples({.seed = sizes.seed,
                                          .training = sizes.training,
                                          .calibration = 0,
                                          .each_signal = sizes.training / 4});
}

const models::FeatureTable& table_named(std::span<const models::Sample> samples,
                                        const std::string& name) {
    return std::ranges::find(samples, name, &models::Sample::name)->table;
}

}  // namespace

tl::expected<BaselineComparison, std::string> study_baselines(
    const models::Model& model, std::span<const models::Sample> samples, const StudySizes& sizes) {
    const models::VaeSamples learnt = learnt_samples(sizes);
    models::BaselineOptions options;
    options.seed = sizes.seed;
    options.autoencoder_epochs = sizes.epochs;
    options.classifier_epochs = sizes.epochs;
    const auto baselines = models::train_baselines(options, learnt.training, learnt.signals, say);
    if (!baselines) {
        return tl::unexpected(baselines.error());
    }
    std::vector<std::string> names;
    for (const models::Sample& signal : learnt.signals) {
        names.push_back(signal.name);
    }
    say("scoring");
    return compare_with_baselines(model, samples, *baselines, names);
}

tl::expected<ContaminationStudy, std::string> study_contamination(
    const std::string& signal, std::span<const models::Sample> samples, const StudySizes& sizes) {
    models::VaeSamples learnt = learnt_samples(sizes);
    ContaminationStudy study{
        .signal = signal, .training_events = sizes.training, .options = {}, .trainings = {}};
    study.options.seed = sizes.seed;
    study.options.epochs = sizes.epochs;
    auto trainings =
        models::vae::study_contamination(study.options,
                                         {.background = std::move(learnt.training),
                                          .signal = table_named(learnt.signals, signal),
                                          .judged_background = samples.front().table,
                                          .judged_signal = table_named(samples, signal)},
                                         say);
    if (!trainings) {
        return tl::unexpected(trainings.error());
    }
    study.trainings = *std::move(trainings);
    return study;
}

void print_baselines(const BaselineComparison& comparison) {
    for (std::size_t signal = 0; signal < comparison.signals.size(); ++signal) {
        std::vector<std::string> header{comparison.signals[signal], "ROC area", "lead of the VAE"};
        for (const double fraction : comparison.fractions) {
            header.push_back(fmt::format("at {:g}", fraction));
        }
        TextTable table(header);
        for (const ComparedMethod& method : comparison.methods) {
            const MethodOnSignal& on = method.by_signal[signal];
            std::vector<std::string> row{method.name,
                                         fmt::format("{:.4f} +- {:.4f}", on.area, on.area_error),
                                         fmt::format("{:+.4f} +- {:.4f}", on.lead, on.lead_error)};
            for (const EfficiencyAt& at : on.efficiencies) {
                row.push_back(fmt::format("{:.3g} ({:.2g}..{:.2g})", at.efficiency.value,
                                          at.with_threshold.low, at.with_threshold.high));
            }
            table.add_row(row);
        }
        fmt::print("{}", table.to_string());
    }
    fmt::print("where the VAE's score does not beat a score that knows no signal:\n");
    for (const std::string& verdict : comparison.verdicts) {
        fmt::print("  {}\n", verdict);
    }
    if (comparison.verdicts.empty()) {
        fmt::print("  nowhere on these samples\n");
    }
}

void print_contamination(const ContaminationStudy& study) {
    std::vector<std::string> header{fmt::format("{} among {}", study.signal, study.training_events),
                                    "fraction", "ROC area", "change"};
    for (const double fraction : study.options.background_fractions) {
        header.push_back(fmt::format("at {:g}", fraction));
    }
    TextTable table(header);
    for (const auto& training : study.trainings) {
        std::vector<std::string> row{
            std::to_string(training.signal_events), fmt::format("{:g}", training.fraction),
            fmt::format("{:.4f} +- {:.4f}", training.area, training.area_error),
            fmt::format("{:+.4f} +- {:.4f}", training.change, training.change_error)};
        for (const double efficiency : training.efficiencies) {
            row.push_back(fmt::format("{:.3g}", efficiency));
        }
        table.add_row(row);
    }
    fmt::print("{}", table.to_string());
}

}  // namespace tamis::daemon
