// tamis inspect: what is in a file: a recording, a model directory, a network, a menu.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "config/manifest_file.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/inspect_network.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/commands/working_point_words.hpp"
#include "streams/recording/mcap_reader.hpp"

namespace tamis::daemon {

namespace {

struct InspectOptions {
    std::filesystem::path file;
    bool json = false;
};

// ---- recordings

nlohmann::ordered_json describe_recording(streams::McapReader& reader) {
    while (reader.next() != nullptr) {
    }
    const auto& counts = reader.counts();
    nlohmann::ordered_json json{{"profile", reader.header().profile},
                                {"library", reader.header().library},
                                {"state", streams::to_string(reader.end())},
                                {"reason", reader.end_reason()},
                                {"file_bytes", reader.file_bytes()},
                                {"messages", counts.messages},
                                {"message_bytes", counts.message_bytes},
                                {"chunks", counts.chunks},
                                {"damaged_chunks", counts.damaged_chunks},
                                {"channels", nlohmann::ordered_json::array()},
                                {"attachments", nlohmann::ordered_json::array()}};
    const auto& statistics = reader.seen().statistics;
    const double seconds =
        static_cast<double>(statistics.end_time_ns - statistics.start_time_ns) / 1e9;
    json["seconds"] = counts.messages == 0 ? 0.0 : seconds;
    for (const auto& [id, channel] : reader.seen().channels) {
        const auto* schema = reader.find_schema(channel.schema_id);
        const auto found = statistics.channel_message_counts.find(id);
        json["channels"].push_back(
            {{"topic", channel.topic},
             {"schema", schema == nullptr ? "" : schema->name},
             {"encoding", channel.message_encoding},
             {"messages", found == statistics.channel_message_counts.end() ? 0 : found->second}});
    }
    for (const auto& attachment : reader.seen().attachments) {
        json["attachments"].push_back({{"name", attachment.name},
                                       {"media_type", attachment.media_type},
                                       {"bytes", attachment.content_bytes}});
    }
    return json;
}

void print_recording(const nlohmann::ordered_json& json, const std::filesystem::path& file) {
    fmt::print("{}: recording ({}), written by {}\n", file.string(),
               json["state"].get<std::string>(), json["library"].get<std::string>());
    if (!json["reason"].get<std::string>().empty()) {
        fmt::print("  {}\n", json["reason"].get<std::string>());
    }
    const double bytes = json["message_bytes"].get<double>();
    const double file_bytes = json["file_bytes"].get<double>();
    fmt::print(
        "  {} messages over {:.3f} s in {} chunks, {:.1f} MB in the file ({:.2f} x smaller)\n",
        json["messages"].get<std::uint64_t>(), json["seconds"].get<double>(),
        json["chunks"].get<std::uint64_t>(), file_bytes / 1e6,
        file_bytes > 0 ? bytes / file_bytes : 0.0);
    TextTable table({"channel", "messages", "schema", "encoding"});
    for (const auto& channel : json["channels"]) {
        table.add_row({channel["topic"].get<std::string>(),
                       std::to_string(channel["messages"].get<std::uint64_t>()),
                       channel["schema"].get<std::string>(),
                       channel["encoding"].get<std::string>()});
    }
    fmt::print("{}", table.to_string());
    for (const auto& attachment : json["attachments"]) {
        fmt::print("  attached: {} ({}, {} bytes)\n", attachment["name"].get<std::string>(),
                   attachment["media_type"].get<std::string>(),
                   attachment["bytes"].get<std::uint64_t>());
    }
}

ExitStatus inspect_recording(const InspectOptions& options) {
    auto reader = streams::McapReader::open(options.file.string());
    if (!reader) {
        return fail(EX_DATAERR, reader.error());
    }
    const auto json = describe_recording(*reader);
    if (options.json) {
        fmt::print("{}\n", json.dump());
    } else {
        print_recording(json, options.file);
    }
    return reader->end() == streams::ReadEnd::damaged ? EX_DATAERR : EX_OK;
}

// ---- models

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
    if (!std::filesystem::exists(options.file)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.file.string()));
    }
    if (std::filesystem::is_directory(options.file)) {
        return inspect_model(options);
    }
    if (options.file.extension() == ".onnx") {
        return inspect_network(options.file, options.json ? InspectForm::json : InspectForm::text);
    }
    return inspect_recording(options);
}

}  // namespace

void add_inspect(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "inspect", "Say what a recording, a model directory or an ONNX network holds");
    auto options = std::make_shared<InspectOptions>();
    command->add_option("file", options->file, "MCAP file, model directory or .onnx file")
        ->required();
    command->add_flag("--json", options->json, "JSON (recordings and networks)");
    command->footer(
        "Example:\n  tamis inspect run/demo/selected.mcap\n  tamis inspect network.onnx --json");
    command->callback([options, &status] { status = inspect(*options); });
}

}  // namespace tamis::daemon
