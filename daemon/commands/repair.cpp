// tamis repair: a whole recording of what can be trusted of a torn or damaged one.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/progress.hpp"
#include "streams/recording/recording_reader.hpp"
#include "streams/recording/repair_recording.hpp"

namespace tamis::daemon {

namespace {

struct RepairCommand {
    std::filesystem::path input;
    std::filesystem::path output;
    bool replace = false;
    bool json = false;
};

ExitStatus repair(const RepairCommand& command) {
    if (!std::filesystem::exists(command.input)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", command.input.string()));
    }
    Progress progress("repairing", "messages", 0);
    streams::RepairOptions options;
    options.input = command.input.string();
    options.output = command.output.string();
    options.container.existing =
        command.replace ? streams::ExistingFile::replace : streams::ExistingFile::refuse;
    options.key_of = [](const streams::McapReader& file, const streams::McapMessage& message) {
        const auto event = streams::find_event(file, message);
        return event ? std::optional(streams::McapKey{event->run, event->event}) : std::nullopt;
    };
    options.progress = [&progress](std::uint64_t messages) { progress.update(messages); };
    const auto summary = streams::repair_recording(options);
    progress.finish();
    if (!summary) {
        return fail(EX_DATAERR, summary.error());
    }
    if (command.json) {
        const nlohmann::ordered_json json{{"state", streams::to_string(summary->end)},
                                          {"reason", summary->end_reason},
                                          {"messages", summary->counts.messages},
                                          {"chunks", summary->counts.chunks},
                                          {"damaged_chunks", summary->counts.damaged_chunks},
                                          {"damaged_records", summary->counts.damaged_records},
                                          {"attachments", summary->attachments},
                                          {"metadata", summary->metadata},
                                          {"lost_labels", summary->lost_labels},
                                          {"output_bytes", summary->output_bytes}};
        fmt::print("{}\n", json.dump());
        return EX_OK;
    }
    fmt::print("{} was {}{}{}\n", options.input, streams::to_string(summary->end),
               summary->end_reason.empty() ? "" : ": ", summary->end_reason);
    fmt::print(
        "{} messages of {} chunks, {} attachments and {} metadata records written to {}, {:.1f} "
        "MB; left out: {} damaged chunks, {} damaged records, {} labels\n",
        summary->counts.messages, summary->counts.chunks, summary->attachments, summary->metadata,
        options.output, static_cast<double>(summary->output_bytes) / 1e6,
        summary->counts.damaged_chunks, summary->counts.damaged_records, summary->lost_labels);
    return EX_OK;
}

}  // namespace

void add_repair(CLI::App& program, ExitStatus& status) {
    auto* subcommand = program.add_subcommand(
        "repair", "Make a whole recording of what can be trusted of a torn or damaged one");
    auto command = std::make_shared<RepairCommand>();
    subcommand->add_option("input", command->input, "MCAP file; it is only read")->required();
    subcommand->add_option("--output", command->output, "MCAP file to write")->required();
    subcommand->add_flag("--replace", command->replace, "Overwrite an existing file");
    subcommand->add_flag("--json", command->json, "The result as JSON");
    subcommand->footer("Example:\n  tamis repair run.mcap.part --output repaired.mcap");
    subcommand->callback([command, &status] { status = repair(*command); });
}

}  // namespace tamis::daemon
