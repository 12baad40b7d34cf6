// tamis inspect: what is in a file: a recording, a model directory, a network, a menu.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <string>

#include "config/manifest_file.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/inspect_network.hpp"
#include "daemon/commands/inspect_recording.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/commands/working_point_words.hpp"
#include "streams/recording/output_file.hpp"

namespace tamis::daemon {

namespace {

struct InspectOptions {
    std::filesystem::path file;
    bool json = false;
};

ExitStatus inspect_model(const InspectOptions& options) {
    const auto model = open_model(options.file);
    if (!model) {
        return model.error();
    }
    const models::Manifest& manifest = (*model)->manifest();
    fmt::print("{}: model {} version {} of kind {}, hash {:016x}\n", options.file.string(),
               manifest.name, manifest.version, manifest.kind, (*model)->hash());
    fmt::print("  {} input columns, {} score columns, {} networks, {} golden vectors hold\n",
               (*model)->input_columns().size(), (*model)->score_columns().size(),
               manifest.networks.size(), manifest.golden.size());
    TextTable table({"working point", "wanted", "threshold (95 % interval)", "background fraction",
                     "95 % interval", "signal efficiency"});
    for (const auto& point : manifest.working_points) {
        table.add_row({point.name, describe_target(point), describe_thresholds(point),
                       fmt::format("{:.3g}", point.background_fraction),
                       fmt::format("{:.3g} .. {:.3g}", point.background_fraction_low,
                                   point.background_fraction_high),
                       fmt::format("{:.4g}", point.signal_efficiency)});
    }
    fmt::print("{}", table.to_string());
    fmt::print("  made by: {}\n  from: {}\n", manifest.provenance.command,
               manifest.provenance.data);
    for (const auto& line : manifest.provenance.report) {
        fmt::print("  | {}\n", line);
    }
    return EX_OK;
}

ExitStatus inspect(const InspectOptions& options) {
    if (!std::filesystem::exists(options.file) &&
        !std::filesystem::exists(streams::unfinished_path(options.file.string()))) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.file.string()));
    }
    if (std::filesystem::is_directory(options.file)) {
        return inspect_model(options);
    }
    const InspectForm form = options.json ? InspectForm::json : InspectForm::text;
    if (options.file.extension() == ".onnx") {
        return inspect_network(options.file, form);
    }
    return inspect_recording(options.file, form);
}

}  // namespace

void add_inspect(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "inspect", "Say what a recording, a model directory or an ONNX network holds");
    auto options = std::make_shared<InspectOptions>();
    command
        ->add_option("file", options->file,
                     "MCAP file (with the files that follow it), model directory or .onnx file")
        ->required();
    command->add_flag("--json", options->json, "JSON (recordings and networks)");
    command->footer(
        "Example:\n  tamis inspect run/demo/selected.mcap\n  tamis inspect network.onnx --json");
    command->callback([options, &status] { status = inspect(*options); });
}

}  // namespace tamis::daemon
