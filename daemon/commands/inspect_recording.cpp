#include "daemon/commands/inspect_recording.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/commands/progress.hpp"
#include "daemon/commands/text_table.hpp"
#include "streams/recording/recording_reader.hpp"

namespace tamis::daemon {

namespace {

using Json = nlohmann::ordered_json;
using streams::McapReader;
using streams::ReadEnd;

std::string time_text(std::uint64_t time_ns) {
    const auto seconds = static_cast<std::time_t>(time_ns / 1'000'000'000);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:09d} UTC", fmt::gmtime(seconds),
                       time_ns % 1'000'000'000);
}

// The element of the list whose field `key` is `name`; a new one where there is none.
Json& element(Json& list, const char* key, const std::string& name, const Json& fresh) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const Json& one) { return one[key] == name; });
    if (found != list.end()) {
        return *found;
    }
    list.push_back(fresh);
    return list.back();
}

void add(Json& object, const char* key, std::uint64_t count) {
    object[key] = object[key].get<std::uint64_t>() + count;
}

Json empty_description() {
    return {{"profile", ""},
            {"library", ""},
            {"state", ""},
            {"reason", ""},
            {"file_bytes", 0},
            {"messages", 0},
            {"message_bytes", 0},
            {"start_ns", 0},
            {"end_ns", 0},
            {"seconds", 0.0},
            {"chunks", 0},
            {"damaged_chunks", 0},
            {"damaged_records", 0},
            {"compression", Json::array()},
            {"channels", Json::array()},
            {"attachments", Json::array()},
            {"metadata", Json::array()},
            {"files", Json::array()}};
}

void add_contents(Json& json, McapReader& reader) {
    const auto& seen = reader.seen();
    for (const auto& chunk : seen.chunks) {
        const std::string name = chunk.compression.empty() ? "none" : chunk.compression;
        Json& kind = element(json["compression"], "name", name,
                             {{"name", name}, {"chunks", 0}, {"bytes", 0}, {"stored_bytes", 0}});
        add(kind, "chunks", 1);
        add(kind, "bytes", chunk.uncompressed_bytes);
        add(kind, "stored_bytes", chunk.compressed_bytes);
    }
    for (const auto& [id, channel] : seen.channels) {
        const auto* schema = reader.find_schema(channel.schema_id);
        Json& entry = element(json["channels"], "topic", channel.topic,
                              {{"topic", channel.topic},
                               {"schema", schema == nullptr ? "" : schema->name},
                               {"encoding", channel.message_encoding},
                               {"messages", 0}});
        const auto found = seen.statistics.channel_message_counts.find(id);
        if (found != seen.statistics.channel_message_counts.end()) {
            add(entry, "messages", found->second);
        }
    }
    for (const auto& attachment : seen.attachments) {
        json["attachments"].push_back({{"name", attachment.name},
                                       {"media_type", attachment.media_type},
                                       {"bytes", attachment.content_bytes}});
    }
    for (const auto& index : seen.metadata) {
        if (const auto metadata = reader.read_metadata(index)) {
            json["metadata"].push_back({{"name", metadata->name}, {"texts", metadata->texts}});
        }
    }
}

void add_file(Json& json, McapReader& reader) {
    const auto& counts = reader.counts();
    const auto& statistics = reader.seen().statistics;
    json["profile"] = reader.header().profile;
    json["library"] = reader.header().library;
    if (counts.messages > 0) {
        const bool is_first = json["messages"] == 0;
        const auto start_ns = json["start_ns"].get<std::uint64_t>();
        json["start_ns"] =
            is_first ? statistics.start_time_ns : std::min(start_ns, statistics.start_time_ns);
        json["end_ns"] = std::max(json["end_ns"].get<std::uint64_t>(), statistics.end_time_ns);
    }
    add(json, "file_bytes", reader.file_bytes());
    add(json, "messages", counts.messages);
    add(json, "message_bytes", counts.message_bytes);
    add(json, "chunks", counts.chunks);
    add(json, "damaged_chunks", counts.damaged_chunks);
    add(json, "damaged_records", counts.damaged_records);
    add_contents(json, reader);
    json["files"].push_back({{"path", reader.path()},
                             {"state", streams::to_string(reader.end())},
                             {"reason", reader.end_reason()},
                             {"messages", counts.messages},
                             {"file_bytes", reader.file_bytes()}});
}

// Reads every file of the recording; `state` is that of the worst.
tl::expected<Json, std::string> describe_recording(const std::string& path) {
    const auto recording = streams::RecordingReader::open(path);
    if (!recording) {
        return tl::unexpected(recording.error());
    }
    Json json = empty_description();
    // What is wrong between the files is known before any is read.
    std::string reason = recording->end_reason();
    ReadEnd worst = recording->worst();
    Progress progress("reading", "bytes", recording->total_bytes());
    for (const std::string& file : recording->paths()) {
        auto reader = McapReader::open(file);
        if (!reader) {
            return tl::unexpected(reader.error());
        }
        while (reader->next() != nullptr) {
            if (reader->counts().messages % 1024 == 0) {
                progress.update(json["file_bytes"].get<std::uint64_t>() + reader->position());
            }
        }
        add_file(json, *reader);
        if (reader->end() == ReadEnd::damaged || worst == ReadEnd::complete) {
            worst = reader->end();
        }
        if (!reader->end_reason().empty()) {
            reason += (reason.empty() ? "" : "; ") + reader->end_reason();
        }
    }
    progress.finish();
    json["state"] = streams::to_string(worst);
    json["reason"] = reason;
    json["seconds"] = static_cast<double>(json["end_ns"].get<std::uint64_t>() -
                                          json["start_ns"].get<std::uint64_t>()) /
                      1e9;
    return json;
}

std::string texts_of(const Json& metadata) {
    std::string text;
    for (const auto& [key, value] : metadata["texts"].items()) {
        text += (text.empty() ? "" : ", ") + key + " " + value.get<std::string>();
    }
    return text;
}

void print_tables(const Json& json) {
    TextTable channels({"channel", "messages", "schema", "encoding"});
    for (const auto& channel : json["channels"]) {
        channels.add_row({channel["topic"].get<std::string>(),
                          std::to_string(channel["messages"].get<std::uint64_t>()),
                          channel["schema"].get<std::string>(),
                          channel["encoding"].get<std::string>()});
    }
    fmt::print("{}", channels.to_string());
    if (json["files"].size() > 1) {
        TextTable files({"file", "state", "messages", "MB"});
        for (const auto& file : json["files"]) {
            files.add_row({std::filesystem::path(file["path"].get<std::string>()).filename(),
                           file["state"].get<std::string>(),
                           std::to_string(file["messages"].get<std::uint64_t>()),
                           fmt::format("{:.1f}", file["file_bytes"].get<double>() / 1e6)});
        }
        fmt::print("{}", files.to_string());
    }
}

void print_recording(const Json& json, const std::filesystem::path& file) {
    fmt::print("{}: recording ({}), written by {}\n", file.string(),
               json["state"].get<std::string>(), json["library"].get<std::string>());
    if (!json["reason"].get<std::string>().empty()) {
        fmt::print("  {}\n", json["reason"].get<std::string>());
    }
    fmt::print(
        "  {} messages over {:.3f} s in {} chunks, {:.1f} MB in {}\n",
        json["messages"].get<std::uint64_t>(), json["seconds"].get<double>(),
        json["chunks"].get<std::uint64_t>(), json["file_bytes"].get<double>() / 1e6,
        json["files"].size() == 1 ? "the file" : fmt::format("{} files", json["files"].size()));
    if (json["messages"].get<std::uint64_t>() > 0) {
        fmt::print("  from {} to {}\n", time_text(json["start_ns"].get<std::uint64_t>()),
                   time_text(json["end_ns"].get<std::uint64_t>()));
    }
    for (const auto& kind : json["compression"]) {
        const double stored = kind["stored_bytes"].get<double>();
        fmt::print("  {} chunks of compression {}: {:.2f} x smaller\n",
                   kind["chunks"].get<std::uint64_t>(), kind["name"].get<std::string>(),
                   stored > 0 ? kind["bytes"].get<double>() / stored : 1.0);
    }
    print_tables(json);
    for (const auto& attachment : json["attachments"]) {
        fmt::print("  attached: {} ({}, {} bytes)\n", attachment["name"].get<std::string>(),
                   attachment["media_type"].get<std::string>(),
                   attachment["bytes"].get<std::uint64_t>());
    }
    for (const auto& metadata : json["metadata"]) {
        fmt::print("  {}: {}\n", metadata["name"].get<std::string>(), texts_of(metadata));
    }
}

}  // namespace

ExitStatus inspect_recording(const std::filesystem::path& file, InspectForm form) {
    const auto json = describe_recording(file.string());
    if (!json) {
        return fail(EX_DATAERR, json.error());
    }
    if (form == InspectForm::json) {
        // Texts of a file need not be UTF-8.
        fmt::print("{}\n", json->dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
        print_recording(*json, file);
    }
    return (*json)["state"] == "damaged" ? EX_DATAERR : EX_OK;
}

}  // namespace tamis::daemon
