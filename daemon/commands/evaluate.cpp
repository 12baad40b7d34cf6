// tamis evaluate: how well a model tells signal from background: areas under the ROC curve,
// efficiencies of its working points and at fixed rejections, with intervals. On files of inputs,
// or on synthetic samples of the model's kind.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/text_table.hpp"
#include "models/calibration.hpp"
#include "models/working_point.hpp"

namespace tamis::daemon {

namespace {

struct EvaluateOptions {
    std::filesystem::path model;
    std::filesystem::path background;
    std::vector<std::filesystem::path> signals;
    std::size_t events = 50'000;
    std::uint64_t seed = 77;
    bool json = false;
};

// Every score column of every row of one sample.
struct ScoredSample {
    std::string name;
    std::size_t rows = 0;
    std::vector<float> answers;
    std::vector<float> pileup;  // of each row; empty where it is not known
};

std::size_t column_of(const models::Model& model, std::string_view name) {
    const auto columns = model.score_columns();
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) -
                                    columns.begin());
}

std::vector<float> column(const models::Model& model, const ScoredSample& sample,
                          std::string_view name) {
    const std::size_t width = model.score_columns().size();
    const std::size_t index = column_of(model, name);
    std::vector<float> values(sample.rows);
    for (std::size_t row = 0; row < sample.rows; ++row) {
        values[row] = sample.answers[row * width + index];
    }
    return values;
}

// Rows that pass a working point: by the model's own pass column where thresholds differ by bin.
std::size_t passing(const models::Model& model, const ScoredSample& sample,
                    const models::WorkingPoint& point) {
    const std::string pass_column = "pass_" + point.name;
    if (column_of(model, pass_column) < model.score_columns().size()) {
        return models::count_above(column(model, sample, pass_column), 0.5);
    }
    const auto scores = column(model, sample, "score");
    std::size_t passed = 0;
    for (std::size_t row = 0; row < sample.rows; ++row) {
        const float pileup = sample.pileup.empty() ? 0 : sample.pileup[row];
        passed += models::pileup_cut(point, scores[row], pileup, models::ScoreStatus::scored).passed
                      ? 1
                      : 0;
    }
    return passed;
}

ScoredSample score_sample(const models::Model& model, const models::Sample& sample) {
    ScoredSample scored{sample.name, sample.table.rows(), {}, sample.pileup};
    scored.answers.resize(scored.rows * model.score_columns().size());
    model.score_table(sample.table.values, scored.answers);
    return scored;
}

// Rows that could be scored: a ringer has none for clusters outside its bins.
std::vector<float> known_scores(const models::Model& model, const ScoredSample& sample) {
    std::vector<float> scores = column(model, sample, "score");
    std::erase_if(scores, [](float score) { return std::isnan(score); });
    return scores;
}

nlohmann::ordered_json fraction(std::size_t passed, std::size_t total) {
    const auto interval = models::clopper_pearson(passed, total);
    return {{"passed", passed},
            {"of", total},
            {"value", static_cast<double>(passed) / static_cast<double>(total)},
            {"low", interval.low},
            {"high", interval.high}};
}

nlohmann::ordered_json evaluate_samples(const models::Model& model,
                                        const std::vector<models::Sample>& samples) {
    std::vector<ScoredSample> scored;
    scored.reserve(samples.size());
    for (const auto& sample : samples) {
        scored.push_back(score_sample(model, sample));
    }
    const auto background = known_scores(model, scored.front());
    nlohmann::ordered_json json{{"model", model.manifest().name},
                                {"kind", model.manifest().kind},
                                {"hash", fmt::format("{:016x}", model.hash())},
                                {"background", scored.front().name},
                                {"samples", nlohmann::ordered_json::array()}};
    std::vector<float> sorted = background;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t index = 0; index < scored.size(); ++index) {
        const auto& sample = scored[index];
        const auto scores = known_scores(model, sample);
        nlohmann::ordered_json entry{{"name", sample.name}, {"events", sample.rows}};
        if (index > 0 && !background.empty() && !scores.empty()) {
            entry["roc_area"] = models::roc_area(background, scores);
            for (const double rejection : {0.5, 0.75, 0.9, 0.99, 0.999}) {
                const auto rank =
                    static_cast<std::size_t>(rejection * static_cast<double>(sorted.size() - 1));
                entry["at_rejection"].push_back(
                    {{"rejection", rejection},
                     {"efficiency",
                      fraction(models::count_above(scores, sorted[rank]), sample.rows)}});
            }
        }
        for (const auto& point : model.manifest().working_points) {
            entry["working_points"].push_back(
                {{"name", point.name},
                 {"fraction", fraction(passing(model, sample, point), sample.rows)}});
        }
        json["samples"].push_back(entry);
    }
    return json;
}

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
    const auto json = evaluate_samples(**model, *samples);
    if (options.json) {
        fmt::print("{}\n", json.dump());
    } else {
        print_evaluation(json);
    }
    return EX_OK;
}

}  // namespace

void add_evaluate(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "evaluate", "Efficiencies and ROC areas of a model, with their intervals");
    auto options = std::make_shared<EvaluateOptions>();
    command->add_option("model", options->model, "Directory of the model")->required();
    command->add_option("--background", options->background,
                        "CSV file of background inputs; default: synthetic samples of the kind");
    command->add_option("--signal", options->signals, "CSV files of signal inputs");
    command->add_option("--events", options->events, "Size of each synthetic sample")
        ->capture_default_str();
    command->add_option("--seed", options->seed, "Of the synthetic samples")->capture_default_str();
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer("Example:\n  tamis evaluate models/shipped/vae --events 100000");
    command->callback([options, &status] { status = evaluate(*options); });
}

}  // namespace tamis::daemon
