// tamis score: every score column of a model for a table of inputs.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "models/calibration.hpp"
#include "streams/csv_table.hpp"
#include "streams/table_file.hpp"

namespace tamis::daemon {

namespace {

struct ScoreOptions {
    std::filesystem::path model;
    std::filesystem::path input;
    std::filesystem::path output;
    std::filesystem::path reference;  // background for p-values; empty: none
};

// The table with one column more: the conformal p-value of each row's score.
tl::expected<void, std::string> add_p_values(const models::Model& model,
                                             const std::filesystem::path& reference_file,
                                             std::span<const float> scores,
                                             std::vector<std::string>& columns,
                                             std::vector<float>& answers) {
    const auto reference = read_model_inputs(model, reference_file);
    if (!reference) {
        return tl::unexpected(reference.error());
    }
    std::vector<float> rising = score_rows(model, *reference);
    const auto broken = std::find_if(rising.begin(), rising.end(),
                                     [](float score) { return !std::isfinite(score); });
    if (rising.empty() || broken != rising.end()) {
        return tl::unexpected(
            rising.empty()
                ? fmt::format("{}: no row; p-values need background events",
                              reference_file.string())
                : fmt::format("{}: has no score; every background event needs one",
                              streams::place_of_row(reference_file, static_cast<std::size_t>(
                                                                        broken - rising.begin()))));
    }
    std::sort(rising.begin(), rising.end());
    const std::size_t width = columns.size();
    columns.emplace_back("p_value");
    std::vector<float> wider;
    wider.reserve(scores.size() * columns.size());
    for (std::size_t row = 0; row < scores.size(); ++row) {
        const auto from = std::span(answers).subspan(row * width, width);
        wider.insert(wider.end(), from.begin(), from.end());
        wider.push_back(std::isfinite(scores[row])
                            ? static_cast<float>(models::conformal_p_value(rising, scores[row]))
                            : std::numeric_limits<float>::quiet_NaN());
    }
    answers = std::move(wider);
    return {};
}

ExitStatus score(const ScoreOptions& options) {
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    for (const auto& file : {options.input, options.reference}) {
        if (!file.empty() && !std::filesystem::exists(file)) {
            return fail(EX_NOINPUT, fmt::format("{}: no such file", file.string()));
        }
    }
    const auto inputs = read_model_inputs(**model, options.input);
    if (!inputs) {
        return fail(EX_DATAERR, inputs.error());
    }
    std::vector<std::string> columns((*model)->score_columns().begin(),
                                     (*model)->score_columns().end());
    std::vector<float> answers(inputs->rows() * columns.size());
    (*model)->score_table(inputs->values, answers);
    if (!options.reference.empty()) {
        const auto added = add_p_values(**model, options.reference, score_rows(**model, *inputs),
                                        columns, answers);
        if (!added) {
            return fail(EX_DATAERR, added.error());
        }
    }
    const auto written = streams::write_csv_table(options.output, columns, answers);
    if (!written) {
        return fail(EX_IOERR, written.error());
    }
    fmt::print("{}: {} rows, {} score columns written to {}\n", (*model)->manifest().name,
               inputs->rows(), columns.size(), options.output.string());
    return EX_OK;
}

}  // namespace

void add_score(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand("score", "Score a table of inputs with a model");
    auto options = std::make_shared<ScoreOptions>();
    command->add_option("model", options->model, "Directory of the model (manifest.pbtxt)")
        ->required();
    command
        ->add_option(
            "--input", options->input,
            "CSV or HDF5 file (.h5, .hdf5); its header row or data sets name the features, "
            "or x0, x1, ... by position")
        ->required();
    command->add_option("--output", options->output, "CSV file to write")->required();
    command->add_option(
        "--reference", options->reference,
        "CSV or HDF5 file of background inputs: adds the column p_value, the fraction of "
        "background that scores at least as high, (1 + seen) / (1 + all)");
    command->footer(
        "Example:\n  tamis score models/shipped/vae --input features.csv --output scores.csv\n"
        "  tamis score models/axol1tl_v4 --input objects.csv --output scores.csv\n"
        "  tamis score models/shipped/vae --input features.csv --output scores.csv --reference "
        "background.csv");
    command->callback([options, &status] { status = score(*options); });
}

}  // namespace tamis::daemon
