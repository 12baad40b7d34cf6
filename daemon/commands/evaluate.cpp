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
#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/evaluation/evaluation_json.hpp"
#include "daemon/evaluation/evaluation_page.hpp"
#include "models/model_hash.hpp"
#include "models/working_point.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {

namespace {

struct EvaluateOptions {
    std::filesystem::path model;
    std::filesystem::path background;
    std::vector<std::filesystem::path> signals;
    std::size_t events = 50'000;
    std::uint64_t seed = 77;
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
        return fmt::format("synthetic samples of the kind, seed {}, {} events each", options.seed,
                           options.events);
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
        return text + fmt::format(" --events {} --seed {}", options.events, options.seed);
    }
    text += " --background " + options.background.filename().string();
    for (const auto& signal : options.signals) {
        text += " --signal " + signal.filename().string();
    }
    return text;
}

ExitStatus write_report(const EvaluateOptions& options, const models::Model& model,
                        const ModelEvaluation& evaluation, std::span<const RankedInput> ranking) {
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
        {"evaluation.json", evaluation_json(model, evaluation, ranking).dump(1) + "\n"},
        {"report.html", evaluation_page(model, evaluation, ranking, origin)}};
    for (const auto& [name, text] : files) {
        if (const auto written = streams::write_whole_file(options.output / name, text); !written) {
            return fail(EX_CANTCREAT, written.error());
        }
    }
    fmt::print("report: {}\n", (options.output / "report.html").string());
    return EX_OK;
}

ExitStatus evaluate(const EvaluateOptions& options) {
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    const bool needs_pileup = models::has_pileup_thresholds((*model)->manifest()) &&
                              (*model)->manifest().kind != "ringer";
    if (needs_pileup && options.background.empty()) {
        return fail(EX_USAGE,
                    "thresholds of this model depend on pile-up, which synthetic samples do not "
                    "name; give files with a column average_mu by --background and --signal");
    }
    const auto samples =
        options.background.empty()
            ? synthetic_evaluation_samples((*model)->manifest(), options.seed, options.events)
            : read_evaluation_samples(**model, options.background, options.signals,
                                      needs_pileup ? "average_mu" : "");
    if (!samples) {
        return fail(EX_DATAERR, samples.error());
    }
    const auto evaluation = evaluate_model(**model, *samples);
    if (!evaluation) {
        return fail(EX_DATAERR, evaluation.error());
    }
    std::vector<RankedInput> ranking;
    if (!options.output.empty()) {
        ranking = rank_inputs(**model, *samples, options.seed);
    }
    const auto json = evaluation_json(**model, *evaluation, ranking);
    if (options.json) {
        fmt::print("{}\n", json.dump());
    } else {
        print_evaluation(json);
    }
    return options.output.empty() ? EX_OK : write_report(options, **model, *evaluation, ranking);
}

}  // namespace

void add_evaluate(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "evaluate", "Efficiencies and ROC areas of a model, with their intervals");
    auto options = std::make_shared<EvaluateOptions>();
    command->add_option("model", options->model, "Directory of the model")->required();
    command->add_option("--input,--background", options->background,
                        "CSV file of background inputs; default: synthetic samples of the kind");
    command->add_option("--signal", options->signals, "CSV files of signal inputs");
    command->add_option("--events", options->events, "Size of each synthetic sample")
        ->capture_default_str();
    command->add_option("--seed", options->seed, "Of the synthetic samples")->capture_default_str();
    command->add_option("--output", options->output,
                        "Directory for report.html (one page, nothing beside it), evaluation.json "
                        "and roc.csv");
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer(
        "Example:\n  tamis evaluate models/shipped/vae --events 100000 --output run/vae_report");
    command->callback([options, &status] { status = evaluate(*options); });
}

}  // namespace tamis::daemon
