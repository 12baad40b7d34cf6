// tamis import-model: published or foreign networks as model directories that the node loads.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/network_timing/network_comparison.hpp"
#include "engine/onnx_reader.hpp"
#include "models/fixed_point/layer_table_import.hpp"
#include "models/int8_conversion.hpp"
#include "models/int8_parameters.hpp"
#include "models/model_loader.hpp"
#include "models/network_import.hpp"
#include "models/ringer/ringer_athena.hpp"
#include "models/ringer/ringer_json.hpp"
#include "models/vae/vae_tsv.hpp"

namespace tamis::daemon {

namespace {

struct ImportModelOptions {
    std::string kind;
    std::filesystem::path file;
    std::filesystem::path output;
    std::filesystem::path int8;  // rows to calibrate with; empty: floats
    models::NetworkImport network;
};

// Of a network that brings its own description the manifest is not to be chosen.
bool is_chosen(const models::NetworkImport& network) {
    return !(network.name + network.schema + network.output + network.reduction).empty() ||
           !network.features.empty() || network.element != 0;
}

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
    if (options.kind == "ringer-athena") {
        return models::import_athena_ringer(
            options.file, fmt::format("tamis import-model ringer-athena {}",
                                      options.file.lexically_normal().filename().string()));
    }
    for (const auto trigger : {models::AnomalyTrigger::axol1tl, models::AnomalyTrigger::cicada}) {
        if (options.kind == models::to_string(trigger)) {
            return models::import_layer_table(trigger, options.file);
        }
    }
    return models::import_onnx(options.file, options.network);
}

// Both in turns, so that only the ratio counts.
tl::expected<void, std::string> print_int8_times(const models::ModelFiles& files) {
    const auto graph = engine::read_onnx(std::as_bytes(std::span(files.networks.front())));
    const auto ranges = models::read_int8_ranges(files.manifest);
    if (!graph || !ranges) {
        return tl::unexpected(graph ? ranges.error() : graph.error());
    }
    const auto times =
        time_network(files.manifest.name, *graph, {engine_peers().front(), int8_peer(*ranges)},
                     short_comparison());
    if (!times) {
        return tl::unexpected(times.error());
    }
    for (const ComparisonRow& row : times->rows) {
        const CallTimes& floats = row.peers[0].times;
        const CallTimes& integers = row.peers[1].times;
        fmt::print("  {:>2} rows: {:.2f} us in floats, {:.2f} us in int8 ({:.2f} x as fast)\n",
                   row.rows, floats.p50_us, integers.p50_us, floats.p50_us / integers.p50_us);
    }
    return {};
}

// Into 8-bit integers, never without the report.
ExitStatus convert(models::ModelFiles& files, const std::filesystem::path& rows_file) {
    const auto model = models::load_model(files.manifest, files.networks);
    if (!model) {
        return fail(EX_DATAERR, model.error());
    }
    if (!std::filesystem::exists(rows_file)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", rows_file.string()));
    }
    const auto rows = read_model_inputs(**model, rows_file);
    if (!rows) {
        return fail(EX_DATAERR, rows.error());
    }
    const auto report = models::convert_to_int8(files, rows->values);
    if (!report) {
        return fail(EX_DATAERR, fmt::format("{}: {}", rows_file.string(), report.error()));
    }
    for (const std::string& line : models::report_lines(*report)) {
        fmt::print("  {}\n", line);
    }
    const auto timed = print_int8_times(files);
    return timed ? EX_OK : fail(EX_DATAERR, timed.error());
}

ExitStatus import_model(const ImportModelOptions& options) {
    if (!std::filesystem::exists(options.file)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.file.string()));
    }
    if (!options.int8.empty() && options.kind != "onnx") {
        return fail(EX_USAGE, "--int8 is for kind onnx");
    }
    if (is_chosen(options.network) && options.kind != "onnx") {
        return fail(EX_USAGE,
                    "--name, --schema, --features, --score, --element and --reduction are for kind "
                    "onnx");
    }
    auto files = import_kind(options);
    if (!files) {
        return fail(EX_DATAERR, fmt::format("{}: {}", options.file.string(), files.error()));
    }
    if (!options.int8.empty()) {
        if (const ExitStatus converted = convert(*files, options.int8); converted != EX_OK) {
            return converted;
        }
    }
    return write_model(*files, options.output);
}

void add_network_options(CLI::App& command, models::NetworkImport& network) {
    command.add_option("--name", network.name, "Of the model; default: of the file");
    command.add_option("--schema", network.schema,
                       "Of the FEATURES payloads that are its input; default: the model's name");
    command
        .add_option("--features", network.features,
                    "Names of the inputs in order, by commas; default: x0, x1, ...")
        ->delimiter(',');
    command.add_option("--score", network.output,
                       "Output that the score is made of; default: the first");
    command.add_option("--element", network.element, "The element of it that is the score");
    command.add_option("--reduction", network.reduction,
                       "What is made of all its elements instead: sum, sum_of_squares, max, "
                       "one_minus_max, one_minus_max_softmax, mean_squared_error (against the "
                       "inputs)");
}

}  // namespace

void add_import_model(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("import-model", "Make a model directory of a network file");
    auto options = std::make_shared<ImportModelOptions>();
    command
        ->add_option("kind", options->kind,
                     "vae-tsv, ringer-json, ringer-athena (a directory with .conf files), axol1tl, "
                     "cicada (layer "
                     "tables in JSON) or onnx")
        ->required()
        ->check(CLI::IsMember(
            {"vae-tsv", "ringer-json", "ringer-athena", "axol1tl", "cicada", "onnx"}));
    command->add_option("file", options->file, "The network file")->required();
    command->add_option("--output", options->output, "Directory to write the model to")->required();
    command->add_option("--int8", options->int8,
                        "Run in 8-bit integers, calibrated with four of five rows of this CSV file "
                        "and judged on the fifth; prints what changes (kind onnx)");
    add_network_options(*command, options->network);
    command->footer(
        "Example:\n  tamis import-model onnx network.onnx --output models/mine\n"
        "  tamis import-model onnx autoencoder.onnx --output models/mine --features pt,eta,phi "
        "--score decoded --reduction mean_squared_error\n"
        "  tamis import-model onnx network.onnx --output models/mine_int8 --int8 features.csv\n"
        "  tamis import-model ringer-athena Run3_20230316_v1 --output models/ringer_run3\n"
        "  tamis import-model axol1tl axol1tl_v4.json --output models/axol1tl_v4\n"
        "  tamis import-model cicada cicada_v2p2p0.json --output models/cicada_v2p2p0");
    command->callback([options, &status] { status = import_model(*options); });
}

}  // namespace tamis::daemon
