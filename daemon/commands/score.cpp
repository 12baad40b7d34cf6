// tamis score: every score column of a model for a table of inputs.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "streams/csv_table.hpp"

namespace tamis::daemon {

namespace {

struct ScoreOptions {
    std::filesystem::path model;
    std::filesystem::path input;
    std::filesystem::path output;
};

ExitStatus score(const ScoreOptions& options) {
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    if (!std::filesystem::exists(options.input)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.input.string()));
    }
    const auto inputs = read_model_inputs(**model, options.input);
    if (!inputs) {
        return fail(EX_DATAERR, inputs.error());
    }
    const auto columns = (*model)->score_columns();
    std::vector<float> answers(inputs->rows() * columns.size());
    (*model)->score_table(inputs->values, answers);
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
        ->add_option("--input", options->input,
                     "CSV file; its header row names the features, or x0, x1, ... by position")
        ->required();
    command->add_option("--output", options->output, "CSV file to write")->required();
    command->footer(
        "Example:\n  tamis score models/shipped/vae --input features.csv --output scores.csv\n"
        "  tamis score models/axol1tl_v4 --input objects.csv --output scores.csv");
    command->callback([options, &status] { status = score(*options); });
}

}  // namespace tamis::daemon
