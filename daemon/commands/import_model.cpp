// tamis import-model: published or foreign networks as model directories that the node loads.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/model_directory.hpp"
#include "models/network_import.hpp"
#include "models/ringer/ringer_json.hpp"
#include "models/vae/vae_tsv.hpp"

namespace tamis::daemon {

namespace {

struct ImportModelOptions {
    std::string kind;
    std::filesystem::path file;
    std::filesystem::path output;
};

tl::expected<models::ModelFiles, std::string> import_ringer(const ImportModelOptions& options) {
    std::ifstream stream(options.file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    models::RingerImport import;
    import.name = options.file.stem().string();
    import.command =
        fmt::format("tamis import-model ringer-json {}", options.file.filename().string());
    return models::import_ringer_json(text, import);
}

tl::expected<models::ModelFiles, std::string> import_kind(const ImportModelOptions& options) {
    if (options.kind == "vae-tsv") {
        return models::import_vae_tsv(options.file);
    }
    if (options.kind == "ringer-json") {
        return import_ringer(options);
    }
    return models::import_onnx(options.file);
}

ExitStatus import_model(const ImportModelOptions& options) {
    if (!std::filesystem::exists(options.file)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.file.string()));
    }
    const auto files = import_kind(options);
    if (!files) {
        return fail(EX_DATAERR, fmt::format("{}: {}", options.file.string(), files.error()));
    }
    return write_model(*files, options.output);
}

}  // namespace

void add_import_model(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("import-model", "Make a model directory of a network file");
    auto options = std::make_shared<ImportModelOptions>();
    command->add_option("kind", options->kind, "vae-tsv, ringer-json or onnx")
        ->required()
        ->check(CLI::IsMember({"vae-tsv", "ringer-json", "onnx"}));
    command->add_option("file", options->file, "The network file")->required();
    command->add_option("--output", options->output, "Directory to write the model to")->required();
    command->footer("Example:\n  tamis import-model onnx network.onnx --output models/mine");
    command->callback([options, &status] { status = import_model(*options); });
}

}  // namespace tamis::daemon
