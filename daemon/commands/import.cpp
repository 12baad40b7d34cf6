// tamis import: events of other programs' files as a recording of fragments, which replay and rates
// read.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/progress.hpp"
#include "streams/recording/import_events.hpp"

namespace tamis::daemon {

namespace {

struct ImportCommand {
    std::filesystem::path input;
    std::filesystem::path output;
    std::string layout = "auto";
    bool detectors = false;
    bool strict = false;
    bool replace = false;
    bool resume = false;
    std::uint64_t events = UINT64_MAX;
};

std::string layout_names() {
    std::string names;
    for (const auto layout : streams::import_layouts()) {
        names += (names.empty() ? "" : ", ") + std::string(streams::to_string(layout));
    }
    return names;
}

ExitStatus import(const ImportCommand& command) {
    if (!std::filesystem::exists(command.input)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", command.input.string()));
    }
    const auto layout = streams::find_import_layout(command.layout);
    if (!layout) {
        return fail(EX_USAGE,
                    fmt::format("no layout '{}'; there are {}", command.layout, layout_names()));
    }
    Progress progress("importing", "events", 0);
    streams::ImportOptions options;
    options.input = command.input.string();
    options.output = command.output.string();
    options.layout = *layout;
    options.split =
        command.detectors ? streams::ImportSplit::detectors : streams::ImportSplit::one_source;
    options.bad_rows = command.strict ? streams::BadRows::refuse : streams::BadRows::skip;
    options.most_events = command.events;
    options.resumes = command.resume;
    options.container.existing =
        command.replace ? streams::ExistingFile::replace : streams::ExistingFile::refuse;
    options.progress = [&progress](const streams::ImportProgress& done) {
        progress.update(done.event_count);
    };
    const auto summary = streams::import_events(options);
    progress.finish();
    if (!summary) {
        return fail(EX_DATAERR, summary.error());
    }
    for (const auto& problem : summary->problems) {
        fmt::print(stderr, "{}\n", problem);
    }
    fmt::print(
        "{} events ({} fragments) of layout {} written to {}, {:.1f} MB; {} bad rows skipped{}\n",
        summary->event_count, summary->fragment_count, streams::to_string(summary->layout),
        options.output, static_cast<double>(summary->output_bytes) / 1e6, summary->bad_row_count,
        summary->resumed_count == 0
            ? ""
            : fmt::format("; {} events were there before", summary->resumed_count));
    return EX_OK;
}

}  // namespace

void add_import(CLI::App& program, ExitStatus& status) {
    auto* subcommand = program.add_subcommand(
        "import", "Make a recording of events in other programs' files: text or HDF5");
    auto command = std::make_shared<ImportCommand>();
    subcommand
        ->add_option("input", command->input, "CSV, JSON or JSON lines, plain or gzip; or HDF5")
        ->required();
    subcommand->add_option("--output", command->output, "MCAP file to write")->required();
    subcommand->add_option("--layout", command->layout, "One of: " + layout_names())
        ->capture_default_str();
    subcommand->add_option("--events", command->events, "At most so many");
    subcommand->add_flag("--detectors", command->detectors,
                         "Four fragments an event, as from four detectors");
    subcommand->add_flag("--strict", command->strict, "The first bad row ends the import");
    auto* replace =
        subcommand->add_flag("--replace", command->replace, "Overwrite an existing file");
    subcommand
        ->add_flag("--resume", command->resume,
                   "Go on where an import of the same file was broken off")
        ->excludes(replace);
    subcommand->footer(
        "Example:\n  tamis import events.ndjson.gz --output events.mcap\n  tamis import "
        "background.h5 --layout adc2021 --output background.mcap");
    subcommand->callback([command, &status] { status = import(*command); });
}

}  // namespace tamis::daemon
