#include "models/autoencoder/reconstruction_recipe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "models/distance_correlation.hpp"
#include "models/model_loader.hpp"
#include "models/vae/feature_scaling.hpp"

namespace tamis::models {
namespace {

using vae::ColumnScaling;

constexpr std::size_t kGoldenRows = 4;
constexpr std::size_t kCorrelationRows = 4000;
constexpr std::size_t kReportedEpochs = 10;  // one line of the report for so many

// Rows of the table in an order that is the seed's.
struct TableParts {
    FeatureTable training, validation, calibration;
    std::vector<float> training_nuisance, validation_nuisance, calibration_nuisance;
};

TableParts divide(const FeatureTable& table, const ReconstructionRecipe& recipe) {
    const auto part = [&table](double fraction) {
        return std::max(std::size_t{1},
                        static_cast<std::size_t>(fraction * static_cast<double>(table.rows())));
    };
    const std::size_t validation = part(recipe.validation_fraction);
    const std::size_t calibration = validation + part(recipe.calibration_fraction);
    TableParts parts;
    for (FeatureTable* each : {&parts.training, &parts.validation, &parts.calibration}) {
        each->columns = table.columns;
    }
    const auto order = engine::shuffled_rows(table.rows(), recipe.training.seed, 0);
    for (std::size_t i = 0; i < order.size(); ++i) {
        FeatureTable& to = i < validation    ? parts.validation
                           : i < calibration ? parts.calibration
                                             : parts.training;
        const auto row = table.row(order[i]);
        to.values.insert(to.values.end(), row.begin(), row.end());
        if (!recipe.nuisance.empty()) {
            (i < validation    ? parts.validation_nuisance
             : i < calibration ? parts.calibration_nuisance
                               : parts.training_nuisance)
                .push_back(recipe.nuisance[order[i]]);
        }
    }
    return parts;
}

std::string line(const char* format, auto... values) {
    std::array<char, 200> text{};
    // The formats are literals of this file.
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

std::vector<std::string> training_report(const ReconstructionRecipe& recipe,
                                         const ReconstructionShape& shape, const TableParts& parts,
                                         const engine::TrainingReport& trained) {
    std::vector<std::string> report;
    report.push_back(line("%zu columns through %zu, %zu, %zu latent, %zu, %zu; batches of %zu",
                          shape.columns, shape.hidden, shape.hidden, shape.latent, shape.hidden,
                          shape.hidden, batch_size_for(recipe.training, parts.training.rows())));
    report.push_back(line("%zu rows to learn from, %zu to choose the epoch, %zu to calibrate",
                          parts.training.rows(), parts.validation.rows(),
                          parts.calibration.rows()));
    for (const engine::EpochReport& epoch : trained.epochs) {
        const bool kept = epoch.epoch == trained.best_epoch;
        if (kept || epoch.epoch % kReportedEpochs == 1 || epoch.epoch == trained.epochs.size()) {
            report.push_back(line("epoch %3zu: training loss %.5f, validation %.5f, rate %.1e%s",
                                  epoch.epoch, epoch.training_loss, epoch.validation_loss,
                                  double{epoch.learning_rate}, kept ? " (kept)" : ""));
        }
    }
    return report;
}

Manifest make_manifest(const ReconstructionRecipe& recipe, const FeatureTable& table,
                       const ColumnScaling& scaling, const std::string& origin) {
    Manifest manifest;
    manifest.name = recipe.name;
    manifest.version = "1.0";
    manifest.kind = "onnx";
    manifest.schema = recipe.name;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        manifest.features.push_back({.name = table.columns[i],
                                     .unit = "",
                                     .offset = scaling.offset[i],
                                     .scale = scaling.scale[i]});
    }
    manifest.parameters.push_back({.name = "score.mean_squared_error", .values = {0}});
    manifest.provenance.seed = recipe.training.seed;
    manifest.provenance.data = origin;
    return manifest;
}

// Of each row, by the model that the files make.
tl::expected<std::vector<float>, std::string> score_rows(const ModelFiles& files,
                                                         const FeatureTable& table) {
    const auto model = load_model(files.manifest, files.networks);
    if (!model) {
        return tl::make_unexpected(model.error());
    }
    const std::size_t width = (*model)->score_columns().size();
    std::vector<float> answers(width * table.rows());
    (*model)->score_table(table.values, answers);
    std::vector<float> scores(table.rows());
    for (std::size_t row = 0; row < scores.size(); ++row) {
        scores[row] = answers[row * width];  // "score" is the first column of the kind
        if (!std::isfinite(scores[row])) {
            return tl::make_unexpected(
                "a calibration row has no finite score; right are rows without absurd values");
        }
    }
    return scores;
}

std::string correlation_line(const ReconstructionRecipe& recipe, const std::vector<float>& scores,
                             const std::vector<float>& nuisance) {
    const std::size_t rows = std::min(kCorrelationRows, scores.size());
    std::vector<double> compressed(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        compressed[row] = std::asinh(double{scores[row]});
    }
    return line(
        "squared distance correlation of the score and %s: %.5f (%zu calibration rows; "
        "penalty of weight %.3g)",
        recipe.nuisance_name.c_str(),
        DistanceCorrelation(rows).evaluate(compressed, std::span(nuisance).first(rows), {}), rows,
        recipe.training.decorrelation);
}

tl::expected<void, std::string> judge(const ReconstructionRecipe& recipe, const TableParts& parts,
                                      ModelFiles& files) {
    const auto scores = score_rows(files, parts.calibration);
    if (!scores) {
        return tl::make_unexpected(scores.error());
    }
    Calibration calibration = calibrate(*scores, {}, recipe.working_points);
    files.manifest.working_points = std::move(calibration.points);
    std::vector<std::string>& report = files.manifest.provenance.report;
    for (const WorkingPoint& point : files.manifest.working_points) {
        report.push_back(line("%s: score > %.6g; fraction %.3g, 95 %% interval [%.3g, %.3g]",
                              point.name.c_str(), point.bins.front().offset,
                              point.background_fraction, point.background_fraction_low,
                              point.background_fraction_high));
    }
    report.insert(report.end(), calibration.notes.begin(), calibration.notes.end());
    if (!recipe.nuisance.empty()) {
        report.push_back(correlation_line(recipe, *scores, parts.calibration_nuisance));
    }
    std::vector<std::vector<float>> golden;
    for (std::size_t i = 0; i < std::min(kGoldenRows, parts.calibration.rows()); ++i) {
        const auto row = parts.calibration.row(i);
        golden.emplace_back(row.begin(), row.end());
    }
    return add_golden_vectors(files, golden, kGoldenTolerance);
}

}  // namespace

tl::expected<ModelFiles, std::string> train_reconstruction_model(
    const ReconstructionRecipe& recipe, const FeatureTable& table, const std::string& origin,
    const std::function<void(const engine::EpochReport&)>& on_epoch) {
    if (table.columns.empty() || table.rows() < kFewestTableRows) {
        return tl::make_unexpected(std::to_string(table.rows()) + " rows of " +
                                   std::to_string(table.columns.size()) + " columns; right are " +
                                   std::to_string(kFewestTableRows) +
                                   " rows or more of at least one column");
    }
    const TableParts parts = divide(table, recipe);
    const ColumnScaling scaling = vae::robust_scaling(parts.training);
    const ReconstructionShape shape = shape_for(table.columns.size());
    ReconstructionOptions options = recipe.training;
    options.training_nuisance = parts.training_nuisance;
    options.validation_nuisance = parts.validation_nuisance;
    auto trained = train_reconstruction(options, shape, scaled(parts.training, scaling),
                                        scaled(parts.validation, scaling), on_epoch);
    if (!trained) {
        return tl::make_unexpected(trained.error());
    }
    ModelFiles files;
    files.manifest = make_manifest(recipe, table, scaling, origin);
    files.manifest.provenance.report = training_report(recipe, shape, parts, trained->report);
    NetworkFile entry;
    entry.file = recipe.name + ".onnx";
    add_network(files, std::move(entry), trained->scoring_graph);
    if (auto judged = judge(recipe, parts, files); !judged) {
        return tl::make_unexpected(judged.error());
    }
    return files;
}

}  // namespace tamis::models
