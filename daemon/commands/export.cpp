// tamis export: the events of a recording as tables for other programs: HDF5, CSV, JSON lines.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/progress.hpp"
#include "models/event_features.hpp"
#include "models/event_inputs.hpp"
#include "streams/recording/export_events.hpp"
#include "streams/recording/output_file.hpp"

namespace tamis::daemon {

namespace {

struct ExportCommand {
    std::filesystem::path input;
    std::filesystem::path output;
    std::vector<std::string> topics;
    std::optional<std::uint32_t> run;
    std::uint64_t first_event = 0;
    std::uint64_t last_event = UINT64_MAX;
    std::uint64_t from_ns = 0;
    std::uint64_t until_ns = UINT64_MAX;
    std::uint64_t events = UINT64_MAX;
    bool features = true;
    double checkpoint_s = 10;
    bool replace = false;
    bool resume = false;
};

streams::ExportOptions export_options(const ExportCommand& command) {
    streams::ExportOptions options;
    options.input = command.input.string();
    options.output = command.output.string();
    options.selection.topics = command.topics;
    options.selection.run = command.run;
    options.selection.first_event = command.first_event;
    options.selection.last_event = command.last_event;
    options.selection.from_ns = command.from_ns;
    options.selection.until_ns = command.until_ns;
    options.most_events = command.events;
    options.checkpoint_after_ns = static_cast<std::uint64_t>(command.checkpoint_s * 1e9);
    options.start = command.replace  ? streams::ExportStart::replace
                    : command.resume ? streams::ExportStart::resume
                                     : streams::ExportStart::refuse_existing;
    if (command.features) {
        options.derived_names.assign(models::kFeatureNames.begin(), models::kFeatureNames.end());
        options.derive = [inputs = std::make_shared<models::EventInputs>()](
                             const streams::Event& event, std::vector<float>& numbers) {
            inputs->attach(event);
            const auto features = inputs->high_level_features();
            if (features) {
                numbers.assign((*features)->begin(), (*features)->end());
            }
            return features.has_value();
        };
    }
    return options;
}

ExitStatus export_recording(const ExportCommand& command) {
    if (!std::filesystem::exists(command.input) &&
        !std::filesystem::exists(streams::unfinished_path(command.input.string()))) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", command.input.string()));
    }
    streams::ExportOptions options = export_options(command);
    Progress progress("exporting", "events", 0);
    options.progress = [&progress](const streams::ExportProgress& done) {
        progress.update(done.event_count);
    };
    const auto summary = streams::export_events(options);
    progress.finish();
    if (!summary) {
        return fail(EX_DATAERR, summary.error());
    }
    if (summary->end == streams::ReadEnd::torn || summary->end == streams::ReadEnd::damaged) {
        fmt::print(stderr, "tamis: {} is {}: {}\n", options.input, streams::to_string(summary->end),
                   summary->end_reason);
    }
    if (summary->failed_checkpoints > 0) {
        fmt::print(
            stderr,
            "tamis: {} copies for --resume could not be made beside {} (no room?); the export "
            "itself is whole\n",
            summary->failed_checkpoints, options.output);
    }
    fmt::print("{} events written to {}, {:.1f} MB; {} messages or payloads malformed{}\n",
               summary->event_count, options.output,
               static_cast<double>(std::filesystem::file_size(command.output)) / 1e6,
               summary->malformed_count,
               summary->resumed_count == 0
                   ? ""
                   : fmt::format("; {} events were there before", summary->resumed_count));
    return EX_OK;
}

}  // namespace

void add_export(CLI::App& program, ExitStatus& status) {
    auto* subcommand = program.add_subcommand(
        "export", "Write the events of a recording as tables: HDF5, CSV or JSON lines");
    auto command = std::make_shared<ExportCommand>();
    subcommand
        ->add_option("input", command->input,
                     "MCAP file of fragments or selected events, with the files that follow it")
        ->required();
    subcommand
        ->add_option("--output", command->output, "File to write: .h5, .csv or .ndjson says which")
        ->required();
    subcommand->add_option("--topic", command->topics, "Only these channels (streams)");
    subcommand->add_option("--run", command->run, "Only events of this run");
    subcommand->add_option("--first-event", command->first_event, "From this event number on");
    subcommand->add_option("--last-event", command->last_event, "Up to this event number");
    subcommand->add_option("--from-ns", command->from_ns,
                           "From this log time on, nanoseconds since 1970");
    subcommand->add_option("--until-ns", command->until_ns, "Before this log time");
    subcommand->add_option("--events", command->events, "At most so many");
    subcommand->add_flag("--features,!--no-features", command->features,
                         "With the 21 high-level features of events with physics objects");
    auto* replace =
        subcommand->add_flag("--replace", command->replace, "Overwrite an existing file");
    subcommand
        ->add_flag("--resume", command->resume,
                   "Go on where such an export was broken off; HDF5: from its last copy")
        ->excludes(replace);
    subcommand
        ->add_option("--checkpoint", command->checkpoint_s,
                     "Seconds between the copies of an unfinished HDF5 file (FILE.checkpoint); "
                     "rarer where they would take more than 1/30 of the time")
        ->check(CLI::Range(0.0, 1e9))
        ->capture_default_str();
    subcommand->footer(
        "Example:\n  tamis export run/demo/selected.mcap --output selected.h5\n"
        "  tamis export run/demo/selected.mcap --run 1 --first-event 52 --last-event 52 --output "
        "event.ndjson\n"
        "  tamis export run/demo/selected.mcap --output selected.h5 --resume");
    subcommand->callback([command, &status] { status = export_recording(*command); });
}

}  // namespace tamis::daemon
