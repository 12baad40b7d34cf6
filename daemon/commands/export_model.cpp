// tamis export-model: a model in the layout of another experiment's software.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/model_directory.hpp"
#include "models/ringer/ringer_athena_export.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {

namespace {

struct ExportModelOptions {
    std::string layout;
    std::filesystem::path model;
    std::filesystem::path output;
};

ExitStatus export_model(const ExportModelOptions& options) {
    if (const auto model = open_model(options.model); !model) {
        return model.error();
    }
    const auto files = read_model_files(options.model);
    if (!files) {
        return files.error();
    }
    const auto tuning = models::export_athena_ringer(*files);
    if (!tuning) {
        return fail(EX_DATAERR, fmt::format("{}: {}", options.model.string(), tuning.error()));
    }
    for (const models::AthenaFile& file : *tuning) {
        const std::filesystem::path path = options.output / file.path;
        std::error_code error;
        std::filesystem::create_directories(path.parent_path(), error);
        if (const auto written = streams::write_whole_file(path, file.bytes); !written) {
            return fail(EX_CANTCREAT, written.error());
        }
    }
    fmt::print("{}: {} files\n", options.output.string(), tuning->size());
    return EX_OK;
}

}  // namespace

void add_export_model(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("export-model", "Write a model in the layout of other software");
    auto options = std::make_shared<ExportModelOptions>();
    command
        ->add_option("layout", options->layout,
                     "ringer-athena: .conf files and models/*.onnx as ATLAS keeps a ringer tuning")
        ->required()
        ->check(CLI::IsMember({"ringer-athena"}));
    command->add_option("model", options->model, "Directory of the model")->required();
    command->add_option("--output", options->output, "Directory to write to")->required();
    command->footer(
        "Example:\n  tamis export-model ringer-athena models/shipped/ringer --output tuning");
    command->callback([options, &status] { status = export_model(*options); });
}

}  // namespace tamis::daemon
