// tamis evaluate: how well a model tells signal from background: areas under the ROC curve,
// efficiencies of its working points and at fixed rejections, with intervals. On files of inputs,
// or on synthetic samples of the model's kind. With --output a page for people, JSON and CSV.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/build_facts.hpp"
#include "daemon/commands/baseline_study.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/evaluation/evaluation_json.hpp"
#include "daemon/evaluation/evaluation_page.hpp"
#include "models/model_hash.hpp"
#include "models/quantile_map.hpp"
#include "models/working_point.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {

namespace {

struct EvaluateOptions {
    std::filesystem::path model;
    std::filesystem::path background;
    std::vector<std::filesystem::path> signals;
    std::size_t events = 50'000;
    std::size_t background_events = 0;  // 0: as many as of the others
    std::uint64_t seed = 77;
    bool baselines = false;
    std::string contamination;  // a signal; empty: no study
    StudySizes study;
    std::filesystem::path output;
    bool json = false;
};

std::string with_error(const nlohmann::ordered_json& value) {
    return fmt::format("{:.3g} ({:.2g}..{:.2g})", value["value"].get<double>(),
                       value["low"].get<double>(), value["high"].get<double>());
}

void print_evaluation(const nlohmann::ordered_json& json) {
    fmt::print("model {} of kind {}, hash {}; fractions with their 95 % intervals\n",
               json["model"].get<std::string>(), json["kind"].get<std::string>(),
               json["hash"].get<std::string>());
    std::vector<std::string> header{"sample", "events", "ROC area"};
    for (const auto& point : json["samples"][0].value("working_points", nlohmann::ordered_json())) {
        header.push_back(point["name"].get<std::string>());
    }
    TextTable points(header);
    TextTable rejections({"sample", "rejection 50 %", "75 %", "90 %", "99 %", "99.9 %"});
    for (const auto& sample : json["samples"]) {
        std::vector<std::string> row{
            sample["name"].get<std::string>(), std::to_string(sample["events"].get<std::size_t>()),
            sample.contains("roc_area") ? fmt::format("{:.4f}", sample["roc_area"].get<double>())
                                        : "background"};
        for (const auto& point : sample.value("working_points", nlohmann::ordered_json())) {
            row.push_back(with_error(point["fraction"]));
        }
        points.add_row(row);
        if (sample.contains("at_rejection")) {
            std::vector<std::string> cells{sample["name"].get<std::string>()};
            for (const auto& entry : sample["at_rejection"]) {
                cells.push_back(fmt::format("{:.4f}", entry["efficiency"]["value"].get<double>()));
            }
            rejections.add_row(cells);
        }
    }
    fmt::print("{}signal efficiency at fixed rejection of the background\n{}", points.to_string(),
               rejections.to_string());
}

// What the model is judged on, with the hash of each file.
tl::expected<std::string, std::string> data_text(const EvaluateOptions& options) {
    if (options.background.empty()) {
        return fmt::format("synthetic samples of the kind, seed {}, {} events each{}", options.seed,
                           options.events,
                           options.background_events == 0
                               ? ""
                               : fmt::format(", {} of background", options.background_events));
    }
    std::vector<std::filesystem::path> files{options.background};
    files.insert(files.end(), options.signals.begin(), options.signals.end());
    std::string text;
    for (const auto& file : files) {
        const auto bytes = streams::read_whole_file(file);
        if (!bytes) {
            return tl::unexpected(bytes.error());
        }
        text += fmt::format("{}{} (SHA-256 {})", text.empty() ? "" : ", ", file.filename().string(),
                            models::sha256_of(std::as_bytes(std::span(*bytes))));
    }
    return text;
}

std::string command_text(const EvaluateOptions& options) {
    std::string text = "tamis evaluate " + options.model.filename().string();
    if (options.background.empty()) {
        text += fmt::format(" --events {} --seed {}", options.events, options.seed);
        if (options.background_events != 0) {
            text += fmt::format(" --background-events {}", options.background_events);
        }
        text += options.baselines ? " --baselines" : "";
        text += options.contamination.empty() ? "" : " --contamination " + options.contamination;
        if (options.baselines || !options.contamination.empty()) {
            text += fmt::format(" --study-events {} --study-epochs {}", options.study.training,
                                options.study.epochs);
        }
        return text;
    }
    text += " --background " + options.background.filename().string();
    for (const auto& signal : options.signals) {
        text += " --signal " + signal.filename().string();
    }
    return text;
}

ExitStatus write_report(const EvaluateOptions& options, const models::Model& model,
                        const ModelEvaluation& evaluation, const ReportParts& parts) {
    const auto data = data_text(options);
    if (!data) {
        return fail(EX_NOINPUT, data.error());
    }
    const EvaluationOrigin origin{
        command_text(options), *data,
        fmt::format("tamis {}, {}, {}", build_version(), build_compiler(), build_type())};
    std::error_code error;
    std::filesystem::create_directories(options.output, error);
    const std::vector<std::pair<const char*, std::string>> files{
        {"roc.csv", roc_csv(evaluation)},
        {"evaluation.json", evaluation_json(model, evaluation, parts).dump(1) + "\n"},
        {"report.html", evaluation_page(model, evaluation, parts, origin)}};
    for (const auto& [name, text] : files) {
        if (const auto written = streams::write_whole_file(options.output / name, text); !written) {
            return fail(EX_CANTCREAT, written.error());
        }
    }
    fmt::print("report: {}\n", (options.output / "report.html").string());
    return EX_OK;
}

// The ringer has pile-up among its inputs.
bool needs_pileup_column(const models::Manifest& manifest) {
    return models::has_pileup_thresholds(manifest) && manifest.kind != "ringer";
}

// Empty where the options go together and with the model.
std::string contradiction_of(const EvaluateOptions& options, const models::Manifest& manifest) {
    const bool has_study = options.baselines || !options.contamination.empty();
    if (has_study && manifest.kind != "vae") {
        return fmt::format("--baselines and --contamination go with kind vae, not with '{}'",
                           manifest.kind);
    }
    if (has_study && models::has_quantile_map(manifest)) {
        return "--baselines and --contamination compare scores that no map has changed; right is "
               "the "
               "model before tamis calibrate --quantile-map";
    }
    if (has_study && !options.background.empty()) {
        return "--baselines and --contamination train on synthetic events and are judged on them; "
               "leave --background and --signal out";
    }
    if (needs_pileup_column(manifest) && options.background.empty()) {
        return "thresholds of this model depend on pile-up, which synthetic samples do not name; "
               "give files with a column average_mu by --background and --signal";
    }
    return {};
}

tl::expected<std::vector<models::Sample>, std::string> samples_for(const EvaluateOptions& options,
                                                                   const models::Model& model) {
    if (options.background.empty()) {
        return synthetic_evaluation_samples(
            model.manifest(), options.seed,
            {.background =
                 options.background_events == 0 ? options.events : options.background_events,
             .each = options.events});
    }
    return read_evaluation_samples(model, options.background, options.signals,
                                   needs_pileup_column(model.manifest()) ? "average_mu" : "");
}

// Everything that is asked for beside the evaluation itself.
tl::expected<ReportParts, std::string> parts_for(const EvaluateOptions& options,
                                                 const models::Model& model,
                                                 const std::vector<models::Sample>& samples) {
    ReportParts parts;
    if (!options.output.empty()) {
        parts.ranking = rank_inputs(model, samples, options.seed);
        parts.removal = remove_inputs(model, samples);
    }
    StudySizes sizes = options.study;
    sizes.seed = options.seed;
    if (options.baselines) {
        auto comparison = study_baselines(model, samples, sizes);
        if (!comparison) {
            return tl::unexpected(comparison.error());
        }
        parts.baselines = *std::move(comparison);
    }
    if (!options.contamination.empty()) {
        auto study = study_contamination(options.contamination, samples, sizes);
        if (!study) {
            return tl::unexpected(study.error());
        }
        parts.contamination = *std::move(study);
    }
    return parts;
}

ExitStatus evaluate(const EvaluateOptions& options) {
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    if (const std::string why = contradiction_of(options, (*model)->manifest()); !why.empty()) {
        return fail(EX_USAGE, why);
    }
    const auto samples = samples_for(options, **model);
    if (!samples) {
        return fail(EX_DATAERR, samples.error());
    }
    const auto evaluation = evaluate_model(**model, *samples);
    if (!evaluation) {
        return fail(EX_DATAERR, evaluation.error());
    }
    const auto parts = parts_for(options, **model, *samples);
    if (!parts) {
        return fail(EX_DATAERR, parts.error());
    }
    const auto json = evaluation_json(**model, *evaluation, *parts);
    if (options.json) {
        fmt::print("{}\n", json.dump());
    } else {
        print_evaluation(json);
        if (parts->baselines) {
            print_baselines(*parts->baselines);
        }
        if (parts->contamination) {
            print_contamination(*parts->contamination);
        }
    }
    return options.output.empty() ? EX_OK : write_report(options, **model, *evaluation, *parts);
}

}  // namespace

void add_evaluate(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "evaluate", "Efficiencies and ROC areas of a model, with their intervals");
    auto options = std::make_shared<EvaluateOptions>();
    command->add_option("model", options->model, "Directory of the model")->required();
    command->add_option(
        "--input,--background", options->background,
        "CSV or HDF5 file of background inputs; default: synthetic samples of the kind");
    command->add_option("--signal", options->signals, "CSV or HDF5 files of signal inputs");
    command->add_option("--events", options->events, "Size of each synthetic sample")
        ->capture_default_str();
    command->add_option(
        "--background-events", options->background_events,
        "Size of the synthetic background of a VAE or isolation; default: as --events. A million "
        "shows the ROC curve down to a fraction of 1e-6");
    command->add_option("--seed", options->seed, "Of the synthetic samples")->capture_default_str();
    command->add_flag(
        "--baselines", options->baselines,
        "Train an autoencoder, PCA and supervised classifiers on synthetic events and "
        "show them beside the model and the published table (kind vae)");
    command
        ->add_option("--contamination", options->contamination,
                     "Train the VAE anew with 0 to 10 % of this signal in its training sample")
        ->check(CLI::IsMember({"a_to_4l", "lq_to_b_tau", "h0_to_tau_tau", "hpm_to_tau_nu"}));
    command
        ->add_option("--study-events", options->study.training,
                     "Background events that --baselines and --contamination learn from")
        ->check(CLI::Range(std::size_t{1'000}, std::size_t{10'000'000}))
        ->capture_default_str();
    command->add_option("--study-epochs", options->study.epochs, "Epochs of each such training")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000}))
        ->capture_default_str();
    command->add_option("--output", options->output,
                        "Directory for report.html (one page, nothing beside it), evaluation.json "
                        "and roc.csv");
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer(
        "Example:\n  tamis evaluate models/shipped/vae --events 100000 --output run/vae_report\n"
        "  tamis evaluate models/shipped/vae --background-events 1000000 --baselines "
        "--contamination a_to_4l --output run/vae_report");
    command->callback([options, &status] { status = evaluate(*options); });
}

}  // namespace tamis::daemon
