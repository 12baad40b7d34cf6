// tamis calibrate: sets all working points of a model at once from samples of its own inputs. The
// networks stay as they are, byte for byte.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/commands/working_point_words.hpp"
#include "models/calibration.hpp"
#include "models/quantile_map.hpp"
#include "streams/table_file.hpp"

namespace tamis::daemon {

namespace {

struct CalibrateOptions {
    std::filesystem::path model;
    std::filesystem::path background;
    std::vector<std::filesystem::path> signals;
    std::filesystem::path output;
    std::vector<std::string> points;
    double input_rate_hz = 0;
    std::string pileup_column = "average_mu";
    std::vector<double> pileup_edges;
    bool quantile_map = false;
    bool json = false;
};

// A sample's scores with its pile-up.
struct Scored {
    std::vector<float> scores, pileup;
};

tl::expected<std::vector<models::WantedPoint>, std::string> parse_points(
    const CalibrateOptions& options) {
    std::vector<models::WantedPoint> wanted;
    for (const std::string& text : options.points) {
        auto point = parse_wanted_point(text, options.input_rate_hz);
        if (!point) {
            return tl::unexpected(point.error());
        }
        if (point->target == models::PointTarget::signal_efficiency && options.signals.empty()) {
            return tl::unexpected(fmt::format(
                "--point {}: an efficiency needs a signal; name its files by --signal", text));
        }
        wanted.push_back(*std::move(point));
    }
    if (!std::is_sorted(options.pileup_edges.begin(), options.pileup_edges.end(),
                        std::less_equal<>()) ||
        (!options.pileup_edges.empty() && !(options.pileup_edges.front() > 0))) {
        return tl::unexpected(
            std::string("--pileup-edges do not rise from above 0; right are edges like 20,40,60"));
    }
    return wanted;
}

tl::expected<std::vector<Scored>, std::string> score_samples(const models::Model& model,
                                                             const CalibrateOptions& options) {
    const auto samples =
        read_evaluation_samples(model, options.background, options.signals,
                                options.pileup_edges.empty() ? "" : options.pileup_column);
    if (!samples) {
        return tl::unexpected(samples.error());
    }
    std::vector<Scored> scored;
    for (std::size_t index = 0; index < samples->size(); ++index) {
        const models::Sample& sample = (*samples)[index];
        scored.push_back({score_rows(model, sample.table), sample.pileup});
        const auto& scores = scored.back().scores;
        const auto broken = std::find_if(scores.begin(), scores.end(),
                                         [](float score) { return !std::isfinite(score); });
        if (broken != scores.end()) {
            const auto& file = index == 0 ? options.background : options.signals[index - 1];
            return tl::unexpected(fmt::format(
                "{}: the model has no score for this row; give "
                "rows with values as it was trained on",
                streams::place_of_row(file, static_cast<std::size_t>(broken - scores.begin()))));
        }
    }
    return scored;
}

// Scores as the map leaves them; the map goes into the manifest, golden rows get a pile-up.
tl::expected<models::QuantileMap, std::string> map_scores(std::vector<Scored>& scored,
                                                          const CalibrateOptions& options) {
    auto map = models::QuantileMap::fit(scored.front().scores, scored.front().pileup,
                                        options.pileup_edges);
    if (!map) {
        return tl::unexpected(options.background.string() + ": " + map.error());
    }
    for (Scored& sample : scored) {
        for (std::size_t i = 0; i < sample.scores.size(); ++i) {
            sample.scores[i] = (*map)(sample.scores[i], sample.pileup[i]);
        }
    }
    return map;
}

models::Calibration calibrate_samples(const std::vector<Scored>& scored,
                                      const CalibrateOptions& options,
                                      const std::vector<models::WantedPoint>& wanted) {
    if (options.pileup_edges.empty() || options.quantile_map) {
        std::vector<std::vector<float>> signals;
        signals.reserve(scored.size());
        for (std::size_t index = 1; index < scored.size(); ++index) {
            signals.push_back(scored[index].scores);
        }
        return models::calibrate(scored.front().scores, signals, wanted);
    }
    std::vector<models::ScoredEvents> events;
    events.reserve(scored.size());
    for (const Scored& sample : scored) {
        events.push_back({sample.scores, sample.pileup});
    }
    return models::calibrate_by_pileup(events.front(), std::span(events).subspan(1),
                                       options.pileup_edges, wanted);
}

std::string describe_samples(std::span<const Scored> scored, const CalibrateOptions& options) {
    std::string text =
        fmt::format("working points set on {} background events of {}",
                    scored.front().scores.size(), options.background.filename().string());
    for (std::size_t index = 1; index < scored.size(); ++index) {
        text +=
            fmt::format("{} {} of {}", index == 1 ? ", signal:" : ",", scored[index].scores.size(),
                        options.signals[index - 1].filename().string());
    }
    return text;
}

nlohmann::ordered_json json_of(const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

nlohmann::ordered_json json_of(const models::WorkingPoint& point) {
    nlohmann::ordered_json json{{"name", point.name},
                                {"wanted", describe_target(point)},
                                {"background_fraction", point.background_fraction},
                                {"background_fraction_low", point.background_fraction_low},
                                {"background_fraction_high", point.background_fraction_high},
                                {"signal_efficiency", point.signal_efficiency}};
    for (const models::ThresholdBin& bin : point.bins) {
        json["thresholds"].push_back({{"pileup_low", bin.pileup_low},
                                      {"pileup_high", bin.pileup_high},
                                      {"threshold", bin.offset},
                                      {"low", json_of(bin.offset_low)},
                                      {"high", json_of(bin.offset_high)},
                                      {"extrapolated", bin.extrapolated.has_value()}});
    }
    return json;
}

void print_json(const models::Manifest& manifest, const std::vector<std::string>& notes) {
    nlohmann::ordered_json json{{"model", manifest.name},
                                {"working_points", nlohmann::ordered_json::array()},
                                {"notes", notes}};
    for (const models::WorkingPoint& point : manifest.working_points) {
        json["working_points"].push_back(json_of(point));
    }
    fmt::print("{}\n", json.dump());
}

void print_points(const models::Manifest& manifest, const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
        fmt::print("{}\n", note);
    }
    TextTable table({"working point", "wanted", "threshold (95 % interval)", "background",
                     "95 % interval", "signal efficiency"});
    for (const models::WorkingPoint& point : manifest.working_points) {
        table.add_row({point.name, describe_target(point), describe_thresholds(point),
                       fmt::format("{:.3g}", point.background_fraction),
                       fmt::format("{:.3g} .. {:.3g}", point.background_fraction_low,
                                   point.background_fraction_high),
                       fmt::format("{:.4g}", point.signal_efficiency)});
    }
    fmt::print("{}", table.to_string());
}

// A kind that answers with columns pass_NAME has other answers under other points.
tl::expected<void, std::string> renew_golden_vectors(const models::Model& model,
                                                     models::ModelFiles& files) {
    const auto columns = model.score_columns();
    if (std::none_of(columns.begin(), columns.end(),
                     [](const std::string& column) { return column.starts_with("pass_"); })) {
        return {};
    }
    const auto golden = std::exchange(files.manifest.golden, {});
    for (const models::GoldenVector& vector : golden) {
        const std::vector<float> row(vector.input.begin(), vector.input.end());
        auto added =
            models::add_golden_vectors(files, std::span(&row, 1), vector.relative_tolerance);
        if (!added) {
            return added;
        }
    }
    return {};
}

// The network's answers to the golden rows stay; what they are mapped to is new.
tl::expected<void, std::string> add_quantile_map(const models::QuantileMap& map,
                                                 models::ModelFiles& files) {
    map.write_into(files.manifest);
    const auto golden = std::exchange(files.manifest.golden, {});
    for (std::size_t i = 0; i < golden.size(); ++i) {
        std::vector<float> row(golden[i].input.begin(), golden[i].input.end());
        // Each bin in turn.
        const std::size_t bin = i % (map.edges().size() + 1);
        const double last = map.edges().back();
        row.push_back(static_cast<float>(bin < map.edges().size() ? map.edges()[bin] : last + 1));
        auto added =
            models::add_golden_vectors(files, std::span(&row, 1), golden[i].relative_tolerance);
        if (!added) {
            return added;
        }
    }
    return {};
}

// Empty where the options go together and with the model.
std::string contradiction_of(const CalibrateOptions& options, const models::Manifest& manifest) {
    if (manifest.kind == "ringer") {
        return "thresholds of a ringer are lines in pile-up for each (ET, eta) bin and set by its "
               "recipe; use tamis train ringer";
    }
    if (!options.quantile_map) {
        return {};
    }
    if (options.pileup_edges.empty()) {
        return "--quantile-map has no bins; right is --pileup-edges with it, like 20,40,60";
    }
    if (manifest.kind != "vae" && manifest.kind != "onnx") {
        return fmt::format("--quantile-map goes with kinds vae and onnx, not with '{}'",
                           manifest.kind);
    }
    if (models::has_quantile_map(manifest)) {
        return "the model has a quantile map; right is the model that it was made from";
    }
    return {};
}

// The model with its new points, and with the map where there is one.
ExitStatus write_calibrated(const CalibrateOptions& options, const models::Model& model,
                            std::span<const Scored> scored, models::Calibration calibration,
                            const std::optional<models::QuantileMap>& map) {
    auto calibrated = read_model_files(options.model);
    if (!calibrated) {
        return calibrated.error();
    }
    calibrated->manifest.working_points = std::move(calibration.points);
    if (map) {
        if (auto added = add_quantile_map(*map, *calibrated); !added) {
            return fail(EX_DATAERR, added.error());
        }
    }
    if (auto renewed = renew_golden_vectors(model, *calibrated); !renewed) {
        return fail(EX_DATAERR, renewed.error());
    }
    auto& report = calibrated->manifest.provenance.report;
    report.push_back(describe_samples(scored, options));
    report.insert(report.end(), calibration.notes.begin(), calibration.notes.end());
    const auto& manifest = calibrated->manifest;
    if (options.json) {
        print_json(manifest, calibration.notes);
    } else {
        print_points(manifest, calibration.notes);
    }
    return write_model(*calibrated, options.output, options.json ? Say::nothing : Say::done);
}

ExitStatus calibrate(const CalibrateOptions& options) {
    const auto wanted = parse_points(options);
    if (!wanted) {
        return fail(EX_USAGE, wanted.error());
    }
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    if (const std::string why = contradiction_of(options, (*model)->manifest()); !why.empty()) {
        return fail(EX_USAGE, why);
    }
    std::vector<std::filesystem::path> files{options.background};
    files.insert(files.end(), options.signals.begin(), options.signals.end());
    for (const auto& file : files) {
        if (!std::filesystem::exists(file)) {
            return fail(EX_NOINPUT, fmt::format("{}: no such file", file.string()));
        }
    }
    auto scored = score_samples(**model, options);
    if (!scored) {
        return fail(EX_DATAERR, scored.error());
    }
    std::optional<models::QuantileMap> map;
    if (options.quantile_map) {
        auto fitted = map_scores(*scored, options);
        if (!fitted) {
            return fail(EX_DATAERR, fitted.error());
        }
        map = *std::move(fitted);
    }
    models::Calibration calibration = calibrate_samples(*scored, options, *wanted);
    if (calibration.points.size() != wanted->size()) {
        for (const std::string& note : calibration.notes) {
            fmt::print(stderr, "{}\n", note);
        }
        return fail(EX_DATAERR,
                    options.background.string() +
                        ": not every working point can be set, as said above; nothing is written");
    }
    return write_calibrated(options, **model, *scored, std::move(calibration), map);
}

}  // namespace

void add_calibrate(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("calibrate", "Set the working points of a model from samples");
    auto options = std::make_shared<CalibrateOptions>();
    command->add_option("model", options->model, "Directory of the model")->required();
    command
        ->add_option("--background", options->background, "CSV or HDF5 file of background inputs")
        ->required();
    command->add_option("--signal", options->signals, "CSV or HDF5 files of signal inputs");
    command
        ->add_option("--point", options->points,
                     "A working point, all together replace those of the model: "
                     "NAME=fraction:1e-5 of the background, NAME=efficiency:0.9 of the signal, "
                     "NAME=rate:100 in Hz")
        ->required();
    command->add_option("--input-rate", options->input_rate_hz,
                        "Hz at which background arrives, for rates");
    command
        ->add_option("--pileup-edges", options->pileup_edges,
                     "Thresholds of their own in bins of pile-up that these edges divide")
        ->delimiter(',');
    command
        ->add_option("--pileup-column", options->pileup_column,
                     "Column of the files that holds the pile-up")
        ->capture_default_str();
    command->add_flag(
        "--quantile-map", options->quantile_map,
        "Instead of thresholds in bins of pile-up: map the score in each bin of "
        "--pileup-edges so that background has one distribution in all of them (kinds "
        "vae and onnx)");
    command->add_option("--output", options->output, "Directory to write the model to")->required();
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer(
        "Where fewer than ten background events would pass, the threshold is that of a fitted "
        "tail and marked as extrapolated.\n"
        "Example:\n  tamis calibrate models/shipped/vae --background background.csv --point "
        "loose=fraction:1e-2 --point rare=rate:100 --input-rate 1e6 --output models/mine\n"
        "  tamis calibrate models/shipped/vae --background background.csv --point "
        "loose=fraction:1e-2 --quantile-map --pileup-edges 15,20,25 --output models/mine");
    command->callback([options, &status] { status = calibrate(*options); });
}

}  // namespace tamis::daemon
