#include "models/vae/vae_recipe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "engine/refusal.hpp"
#include "models/model_loader.hpp"
#include "models/vae/vae_course.hpp"
#include "models/vae/vae_manifest.hpp"
#include "models/vae/vae_report.hpp"

namespace tamis::models {
namespace {

using vae::ScoredSample;
using vae::TrainingOutcome;

constexpr std::size_t kGoldenRows = 6;  // of the background; and one of each signal
constexpr std::size_t kCorrelationRows = 4000;

tl::expected<VaeSamples, std::string> checked_samples(const VaeSamples& samples) {
    VaeSamples checked{.training = {},
                       .calibration = {},
                       .training_nuisance = samples.training_nuisance,
                       .calibration_nuisance = samples.calibration_nuisance,
                       .nuisance = samples.nuisance,
                       .signals = {},
                       .description = samples.description};
    const auto take = [](const FeatureTable& from, const std::string& name, FeatureTable& to) {
        return checked_features(from, name).map([&to](FeatureTable&& table) {
            to = std::move(table);
        });
    };
    auto taken = take(samples.training, "training sample", checked.training);
    if (taken) {
        taken = take(samples.calibration, "calibration sample", checked.calibration);
    }
    for (const Sample& signal : samples.signals) {
        if (taken) {
            checked.signals.push_back({.name = signal.name, .table = {}});
            taken =
                take(signal.table, "signal '" + signal.name + "'", checked.signals.back().table);
        }
    }
    if (!taken) {
        return engine::refuse(taken.error());
    }
    return checked;
}

ScoredSample score_sample(const Model& model, const std::string& name, const FeatureTable& table) {
    ScoredSample scored{.name = name, .nll = {}, .kl = {}, .total = {}, .mu2 = {}};
    constexpr std::size_t kRowsAtOnce = 8192;
    const std::size_t width = model.score_columns().size();
    std::vector<float> answers;
    for (std::size_t first = 0; first < table.rows(); first += kRowsAtOnce) {
        const std::size_t count = std::min(kRowsAtOnce, table.rows() - first);
        answers.resize(count * width);
        model.score_table(std::span(table.values)
                              .subspan(first * table.columns.size(), count * table.columns.size()),
                          answers);
        for (std::size_t i = 0; i < count; ++i) {
            // score, nll, kl, total, mu2: the first columns of the kind.
            const float* const answer = answers.data() + i * width;
            scored.nll.push_back(answer[1]);
            scored.kl.push_back(answer[2]);
            scored.total.push_back(answer[3]);
            scored.mu2.push_back(answer[4]);
        }
    }
    return scored;
}

std::vector<std::vector<float>> golden_rows(const VaeSamples& samples) {
    std::vector<std::vector<float>> rows;
    const auto add = [&rows](std::span<const float> row) {
        rows.emplace_back(row.begin(), row.end());
    };
    for (std::size_t i = 0; i < kGoldenRows; ++i) {
        add(samples.calibration.row(i));
    }
    for (const Sample& signal : samples.signals) {
        add(signal.table.row(0));
    }
    return rows;
}

std::string epoch_line(const char* format, const VaeEpoch& epoch) {
    std::array<char, 120> text{};
    std::snprintf(text.data(), text.size(), format, epoch.number, epoch.training_loss,
                  epoch.validation_loss, epoch.learning_rate);
    return text.data();
}

std::vector<std::string> training_report(const TrainingOutcome& outcome, const VaeRecipe& recipe) {
    std::vector<std::string> report;
    for (const VaeEpoch& epoch : outcome.epochs) {
        report.push_back(
            epoch_line("epoch %2zu: training loss %.4f, validation %.4f, rate %.1e", epoch));
    }
    report.push_back(
        epoch_line("kept epoch %zu: training loss %.4f, validation %.4f, rate %.1e", outcome.best));
    const auto& parameters = outcome.weights.parameters;
    for (std::size_t j = 0; j < parameters.prior_mean.size(); ++j) {
        std::array<char, 100> text{};
        std::snprintf(text.data(), text.size(),
                      "prior of latent dimension %zu: mean %.4f, sigma %.4f", j,
                      parameters.prior_mean[j], parameters.prior_sigma[j]);
        report.emplace_back(text.data());
    }
    std::array<char, 100> loss{};
    std::snprintf(
        loss.data(), loss.size(), "loss = nll + %.3g kl; divergence %s", recipe.training.beta,
        recipe.training.divergence == vae::DivergenceForm::exact ? "exact" : "as published");
    report.emplace_back(loss.data());
    return report;
}

std::string correlation_line(const VaeRecipe& recipe, const VaeSamples& samples,
                             const std::vector<float>& scores) {
    const std::size_t rows = std::min(kCorrelationRows, scores.size());
    std::vector<double> compressed(rows);
    std::transform(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(rows),
                   compressed.begin(), [](float score) { return std::asinh(double{score}); });
    const double correlation = DistanceCorrelation(rows).evaluate(
        compressed, std::span(samples.calibration_nuisance).first(rows), {});
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(),
                  "squared distance correlation of the score and %s: %.5f (%zu calibration events; "
                  "penalty of weight %.3g)",
                  samples.nuisance.c_str(), correlation, rows, recipe.decorrelation);
    return text.data();
}

// Thresholds, golden vectors and report, from the networks in `files`.
tl::expected<void, std::string> judge(const VaeRecipe& recipe, const VaeSamples& samples,
                                      ModelFiles& files) {
    const auto model = load_model(files.manifest, files.networks);
    if (!model) {
        return engine::refuse(model.error());
    }
    const ScoredSample background = score_sample(**model, "background", samples.calibration);
    std::vector<ScoredSample> signals;
    std::vector<std::vector<float>> signal_scores;
    for (const Sample& signal : samples.signals) {
        signals.push_back(score_sample(**model, signal.name, signal.table));
        signal_scores.push_back(signals.back().nll);
    }
    const auto all_finite = [](const ScoredSample& scored) {
        return std::all_of(scored.nll.begin(), scored.nll.end(),
                           [](float score) { return std::isfinite(score); });
    };
    if (!all_finite(background) || !std::all_of(signals.begin(), signals.end(), all_finite)) {
        return engine::refuse(
            "an event has no finite score; right are events with physical values");
    }
    Calibration calibration = calibrate(background.nll, signal_scores, recipe.working_points);
    files.manifest.working_points = std::move(calibration.points);
    std::vector<std::string>& report = files.manifest.provenance.report;
    const auto add = [&report](const std::vector<std::string>& lines) {
        report.insert(report.end(), lines.begin(), lines.end());
    };
    add(vae::vae_report(background, signals, files.manifest.working_points));
    if (!samples.calibration_nuisance.empty()) {
        report.push_back(correlation_line(recipe, samples, background.nll));
    }
    add(calibration.notes);
    return add_golden_vectors(files, golden_rows(samples), kGoldenTolerance);
}

}  // namespace

tl::expected<ModelFiles, std::string> train_vae(
    const VaeRecipe& recipe, const VaeSamples& given,
    const std::function<void(const VaeEpoch&)>& on_epoch) {
    const auto samples = checked_samples(given);
    if (!samples) {
        return engine::refuse(samples.error());
    }
    VaeRecipe used = recipe;
    if (recipe.decorrelation > 0) {
        if (samples->training_nuisance.size() != samples->training.rows() ||
            samples->calibration_nuisance.size() != samples->calibration.rows()) {
            return engine::refuse(
                "decorrelation is wanted from nothing; right are samples with a value a row");
        }
        used.training.decorrelation = {.weight = recipe.decorrelation,
                                       .of = samples->training_nuisance,
                                       .name = samples->nuisance};
        used.training.mini_batch = std::min(kDecorrelationBatch, samples->training.rows());
    }
    const auto outcome = vae::run_training(used, samples->training, on_epoch);
    if (!outcome) {
        return engine::refuse(outcome.error());
    }
    ModelFiles files;
    files.manifest = vae::make_vae_manifest(recipe.name, outcome->weights.parameters);
    files.manifest.provenance.seed = recipe.training.seed;
    files.manifest.provenance.data = samples->description;
    files.manifest.provenance.report = training_report(*outcome, recipe);
    NetworkFile entry;
    entry.file = vae::kNetworkFileName;
    add_network(files, std::move(entry), outcome->weights.scoring_graph);
    if (auto judged = judge(recipe, *samples, files); !judged) {
        return engine::refuse(judged.error());
    }
    return files;
}

}  // namespace tamis::models
