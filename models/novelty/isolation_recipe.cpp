#include "models/novelty/isolation_recipe.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/refusal.hpp"
#include "engine/trainer.hpp"
#include "models/event_features.hpp"
#include "models/model_loader.hpp"
#include "models/novelty/encoder_part.hpp"
#include "models/novelty/isolation_model.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kGoldenRows = 6;

// Places of the chosen rows, one after the other.
tl::expected<std::vector<float>, std::string> places_of(const engine::Graph& encoder,
                                                        const FeatureTable& table,
                                                        std::span<const std::size_t> rows) {
    const auto network = engine::Network::compile(encoder, {.max_batch = 1});
    if (!network) {
        return engine::refuse(network.error());
    }
    engine::NetworkRunner runner(*network);
    std::vector<float> places;
    for (const std::size_t row : rows) {
        const auto values = table.row(row);
        std::copy(values.begin(), values.end(), runner.input(0).begin());
        if (runner.run(1) != engine::RunStatus::ok) {
            return engine::refuse(fmt::format(
                "event {} of the reference has no finite place in the latent space; leave it out",
                row + 1));
        }
        const auto place = runner.output(0);
        places.insert(places.end(), place.begin(), place.end());
    }
    return places;
}

tl::expected<std::vector<float>, std::string> scores_of(const Model& model,
                                                        const FeatureTable& table,
                                                        const std::string& name) {
    const std::size_t width = model.score_columns().size();
    std::vector<float> answers(table.rows() * width);
    model.score_table(table.values, answers);
    std::vector<float> scores(table.rows());
    for (std::size_t row = 0; row < scores.size(); ++row) {
        scores[row] = answers[row * width];  // "score" is the first column of both kinds
        if (!std::isfinite(scores[row])) {
            return engine::refuse(
                fmt::format("{}: event {} has no finite score; leave it out", name, row + 1));
        }
    }
    return scores;
}

void add_point_lines(const Manifest& manifest, std::vector<std::string>& report) {
    for (const WorkingPoint& point : manifest.working_points) {
        report.push_back(fmt::format(
            "{}: score > {:.6g}; fraction {:.3g}, 95 % interval [{:.3g}, {:.3g}]; signals {:.3g}",
            point.name, point.bins.front().offset, point.background_fraction,
            point.background_fraction_low, point.background_fraction_high,
            point.signal_efficiency));
    }
}

// Working points, golden vectors and what the report says, by the model that the files make.
tl::expected<void, std::string> judge(const ModelFiles& vae, const VaeSamples& samples,
                                      const IsolationRecipe& recipe, ModelFiles& files) {
    const auto model = load_model(files.manifest, files.networks);
    const auto other = load_model(vae.manifest, vae.networks);
    if (!model || !other) {
        return engine::refuse(!model ? model.error() : other.error());
    }
    const auto calibration = checked_features(samples.calibration, "calibration sample");
    if (!calibration) {
        return engine::refuse(calibration.error());
    }
    const auto background = scores_of(**model, *calibration, "calibration sample");
    const auto usual = scores_of(**other, *calibration, "calibration sample");
    if (!background || !usual) {
        return engine::refuse(!background ? background.error() : usual.error());
    }
    std::vector<std::string>& report = files.manifest.provenance.report;
    std::vector<std::vector<float>> signals;
    for (const Sample& signal : samples.signals) {
        const auto table = checked_features(signal.table, "signal '" + signal.name + "'");
        if (!table) {
            return engine::refuse(table.error());
        }
        auto scores = scores_of(**model, *table, signal.name);
        const auto others = scores_of(**other, *table, signal.name);
        if (!scores || !others) {
            return engine::refuse(!scores ? scores.error() : others.error());
        }
        report.push_back(fmt::format("{}: ROC area {:.4f}; of the VAE's own score {:.4f}",
                                     signal.name, roc_area(*background, *scores),
                                     roc_area(*usual, *others)));
        signals.push_back(*std::move(scores));
    }
    Calibration calibrated = calibrate(*background, signals, recipe.working_points);
    files.manifest.working_points = std::move(calibrated.points);
    add_point_lines(files.manifest, report);
    report.insert(report.end(), calibrated.notes.begin(), calibrated.notes.end());
    std::vector<std::vector<float>> golden;
    for (std::size_t row = 0; row < kGoldenRows; ++row) {
        const auto values = calibration->row(row);
        golden.emplace_back(values.begin(), values.end());
    }
    return add_golden_vectors(files, golden, kGoldenTolerance);
}

Manifest make_manifest(const ModelFiles& vae, const VaeSamples& samples,
                       const IsolationRecipe& recipe, std::size_t points) {
    Manifest manifest;
    manifest.name = recipe.name;
    manifest.version = "1.0";
    manifest.kind = "isolation";
    manifest.schema = vae.manifest.schema;
    manifest.features = vae.manifest.features;
    manifest.parameters = {
        {.name = "neighbours", .values = {static_cast<double>(recipe.neighbours)}}};
    manifest.provenance.seed = recipe.seed;
    manifest.provenance.data = samples.description;
    manifest.provenance.report = {
        fmt::format("{} reference points, {} neighbours; encoder of model {} {} ({}, SHA-256 {})",
                    points, recipe.neighbours, vae.manifest.name, vae.manifest.version,
                    vae.manifest.networks.front().file, vae.manifest.networks.front().sha256)};
    return manifest;
}

}  // namespace

tl::expected<engine::Graph, std::string> isolation_encoder(const ModelFiles& vae,
                                                           const std::string& latent) {
    if (vae.manifest.kind != "vae") {
        return engine::refuse("model '" + vae.manifest.name + "' is of kind '" + vae.manifest.kind +
                              "'; right is one of kind vae");
    }
    const auto graph = engine::read_onnx(std::as_bytes(std::span(vae.networks.front())));
    if (!graph) {
        return engine::refuse(vae.manifest.networks.front().file + ": " + graph.error());
    }
    if (std::find(graph->outputs.begin(), graph->outputs.end(), latent) == graph->outputs.end()) {
        std::string names;
        for (const std::string& output : graph->outputs) {
            names += (names.empty() ? "" : ", ") + output;
        }
        return engine::refuse(vae.manifest.networks.front().file + ": no output " + latent +
                              "; right is one of " + names);
    }
    return part_for_output(*graph, latent);
}

tl::expected<ModelFiles, std::string> make_isolation_model(const ModelFiles& vae,
                                                           const VaeSamples& samples,
                                                           const IsolationRecipe& recipe) {
    const auto encoder = isolation_encoder(vae, recipe.latent);
    if (!encoder) {
        return engine::refuse(encoder.error());
    }
    const auto table = checked_features(samples.training, "reference sample");
    if (!table) {
        return engine::refuse(table.error());
    }
    auto rows = engine::shuffled_rows(table->rows(), recipe.seed, 0);
    rows.resize(std::min(rows.size(), recipe.points));
    const auto places = places_of(*encoder, *table, rows);
    if (!places) {
        return engine::refuse(places.error());
    }
    ModelFiles files;
    files.manifest = make_manifest(vae, samples, recipe, rows.size());
    NetworkFile encoder_file, reference_file;
    encoder_file.file = "encoder.onnx";
    reference_file.file = "reference.f32";
    add_network(files, std::move(encoder_file), *encoder);
    add_network(files, std::move(reference_file), reference_bytes(*places));
    if (auto judged = judge(vae, samples, recipe, files); !judged) {
        return engine::refuse(judged.error());
    }
    return files;
}

}  // namespace tamis::models
