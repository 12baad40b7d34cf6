#include "daemon/commands/replay_options.hpp"

#include <fmt/core.h>

#include "daemon/commands/shared_files.hpp"

namespace tamis::daemon {

void add_replay_options(CLI::App& command, ReplayOptions& options) {
    command.add_option("recording", options.recording, "MCAP file of fragments or selected events")
        ->required();
    command.add_option("--menu", options.menu,
                       "Menu to decide by; default: the shipped physics menu");
    command.add_option("--topic", options.topics, "Only these channels (streams) of the recording");
    command.add_option("--source", options.sources,
                       "Sources an event is made of; default: all that the recording has");
    command.add_option("--workers", options.workers, "Threads that score")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    command.add_option("--batch", options.batch, "Events scored together at most")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command.add_option("--mode", options.mode, "shared (one thread) or dedicated")
        ->check(CLI::IsMember({"shared", "dedicated"}))
        ->capture_default_str();
    command.add_flag("--json", options.json, "The result as JSON");
}

std::filesystem::path menu_or_default(const ReplayOptions& options) {
    if (options.menu.empty()) {
        if (const auto shared = shared_files()) {
            return *shared / "config" / "menus" / "physics.pbtxt";
        }
    }
    return options.menu;
}

RecordingRunOptions recording_run_options(const ReplayOptions& options) {
    RecordingRunOptions run;
    run.input.path = options.recording.string();
    run.input.selection.topics = options.topics;
    run.sources = options.sources;
    run.threads.workers = options.workers;
    run.threads.batch = options.batch;
    run.threads.mode =
        options.mode == "shared" ? config::ThreadMode::shared : config::ThreadMode::dedicated;
    return run;
}

void print_recording_end(const ReplayOptions& options, const RecordingRunResult& result) {
    if (result.end != streams::ReadEnd::complete) {
        fmt::print(stderr, "tamis: {} is {}: {}\n", options.recording.string(),
                   streams::to_string(result.end), result.end_reason);
    }
}

void print_books(const Books& books) {
    const auto& fragments = books.fragments;
    fmt::print(
        "  fragments: {} received, {} used, {} duplicate, {} late, {} malformed, {} bad "
        "checksum, {} unknown source, {} wrong run, {} oversize\n",
        fragments.received, fragments.used,
        fragments.duplicate_same + fragments.duplicate_different + fragments.duplicate_late,
        fragments.late, fragments.malformed, fragments.bad_checksum, fragments.unknown_source,
        fragments.wrong_run, fragments.oversize);
    fmt::print("  events: {} opened", books.builder.opened);
    for (std::size_t outcome = 1; outcome < streams::kOutcomeCount; ++outcome) {
        if (books.outcomes[outcome] > 0) {
            fmt::print(", {} {}", books.outcomes[outcome],
                       streams::to_string(static_cast<streams::Outcome>(outcome)));
        }
    }
    const Imbalance imbalance = books.imbalance();
    if (imbalance.is_zero()) {
        fmt::print("\n  books closed: imbalance 0\n");
    } else {
        fmt::print("\n  BOOKS OPEN: imbalance of fragments {}, events {}, deliveries {}\n",
                   imbalance.fragments, imbalance.events, imbalance.deliveries);
    }
}

}  // namespace tamis::daemon
