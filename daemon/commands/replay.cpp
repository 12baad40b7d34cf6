// tamis replay: a recording through the event path of the node, again. Decides every event,
// compares with what was recorded, or sends the fragments to a running node.
#include <fmt/core.h>
#include <sysexits.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "daemon/commands/command.hpp"
#include "daemon/commands/decision_comparison.hpp"
#include "daemon/commands/feature_collector.hpp"
#include "daemon/commands/fragment_sender.hpp"
#include "daemon/commands/menu_file.hpp"
#include "daemon/commands/progress.hpp"
#include "daemon/commands/replay_forward.hpp"
#include "daemon/commands/replay_options.hpp"
#include "streams/recording/recorded_decision.hpp"

namespace tamis::daemon {

namespace {

struct ReplayCommand {
    ReplayOptions replay;
    bool compare = false;
    std::size_t show = 10;
    std::filesystem::path features;
    SenderOptions to;
    double speed = 0;
    double rate = 0;
    std::uint64_t passes = 1;
    double from_s = 0;
    double to_s = 0;  // 0: to the end
    std::optional<std::uint32_t> run;
    std::uint64_t first_event = 0;
    std::uint64_t last_event = UINT64_MAX;
    FaultCommand faults;
};

streams::PaceOptions pace_options(const ReplayCommand& command) {
    streams::PaceOptions pace;
    if (command.rate > 0) {
        pace.pace = streams::Pace::fixed_rate;
        pace.events_per_second = command.rate;
    } else if (command.speed > 0) {
        pace.pace = streams::Pace::original;
        pace.speed = command.speed;
    }
    return pace;
}

// All of the recording, or a part of it.
streams::RecordingInputOptions input_options(const ReplayCommand& command) {
    constexpr double kNsPerSecond = 1e9;
    streams::RecordingInputOptions input = recording_run_options(command.replay).input;
    input.pace = pace_options(command);
    input.selection.run = command.run;
    input.selection.first_event = command.first_event;
    input.selection.last_event = command.last_event;
    input.from_ns = static_cast<std::uint64_t>(command.from_s * kNsPerSecond);
    if (command.to_s > 0) {
        input.to_ns = static_cast<std::uint64_t>(command.to_s * kNsPerSecond);
    }
    return input;
}

// Of whatever stream: an event has the same decision in all.
streams::RecordingSelection recorded_selection(const ReplayCommand& command) {
    streams::RecordingSelection selection = input_options(command).selection;
    selection.topics.clear();
    return selection;
}

nlohmann::ordered_json comparison_json(const DecisionComparison& comparison) {
    nlohmann::ordered_json causes;
    for (std::size_t cause = 0; cause < streams::kDifferenceCauses; ++cause) {
        const auto each = static_cast<streams::DifferenceCause>(cause);
        causes[std::string(streams::to_string(each))] = comparison.different(each);
    }
    auto shown = nlohmann::ordered_json::array();
    for (const auto& difference : comparison.shown()) {
        shown.push_back({{"run", difference.run},
                         {"event", difference.event},
                         {"cause", streams::to_string(difference.what.cause)},
                         {"what", difference.what.text}});
    }
    return {{"causes", causes}, {"other_menu", comparison.other_menu()}, {"differences", shown}};
}

void print_comparison(const DecisionComparison& comparison) {
    fmt::print("  compared with the recording: {} events, {} different, {} not recorded\n",
               comparison.compared(), comparison.different(), comparison.missing());
    if (comparison.other_menu() > 0) {
        fmt::print("  {} of them were decided by another menu\n", comparison.other_menu());
    }
    for (const auto& difference : comparison.shown()) {
        fmt::print("  run {} event {}, because of the {}: {}\n", difference.run, difference.event,
                   streams::to_string(difference.what.cause), difference.what.text);
    }
}

void print_result(const ReplayCommand& command, const RecordingRunResult& result,
                  const DecisionComparison& comparison) {
    const auto& books = result.books.run.books;
    const double rate = static_cast<double>(comparison.digest().events()) / result.seconds;
    if (command.replay.json) {
        nlohmann::ordered_json json{{"events", comparison.digest().events()},
                                    {"accepted", books.of(streams::Outcome::accepted)},
                                    {"rejected", books.of(streams::Outcome::rejected)},
                                    {"debug", books.debug()},
                                    {"digest", fmt::format("{:016x}", comparison.digest().value())},
                                    {"compared", comparison.compared()},
                                    {"different", comparison.different()},
                                    {"imbalance_zero", books.imbalance().is_zero()},
                                    {"recording", streams::to_string(result.end)},
                                    {"seconds", result.seconds}};
        if (command.compare) {
            json.update(comparison_json(comparison));
        }
        fmt::print("{}\n", json.dump());
        return;
    }
    fmt::print("{} events of {} decided in {:.2f} s ({:.0f} events/s)\n",
               comparison.digest().events(), command.replay.recording.string(), result.seconds,
               rate);
    print_books(books);
    fmt::print("  digest of all decisions and score bits: {:016x}\n", comparison.digest().value());
    if (command.compare) {
        print_comparison(comparison);
    }
}

ExitStatus decide(const ReplayCommand& command) {
    const auto menu = open_menu(menu_or_default(command.replay));
    if (!menu) {
        return menu.error();
    }
    std::optional<streams::RecordedDecisions> recorded;
    if (command.compare) {
        auto read = streams::read_recorded_decisions(command.replay.recording.string(),
                                                     recorded_selection(command));
        if (!read) {
            return fail(EX_DATAERR, read.error());
        }
        recorded = *std::move(read);
    }
    FeatureCollector features;
    DecisionComparison comparison(menu->compiled, recorded ? &*recorded : nullptr, command.show,
                                  command.features.empty() ? nullptr : &features);
    Progress progress("replaying", "events", 0);
    auto options = recording_run_options(command.replay);
    options.input = input_options(command);
    options.passes = command.passes;
    const auto result = run_recording(menu->compiled, options, comparison,
                                      [&progress](std::uint64_t done) { progress.update(done); });
    progress.finish();
    if (!result) {
        return fail(EX_DATAERR, result.error());
    }
    print_recording_end(command.replay, *result);
    print_result(command, *result, comparison);
    if (!command.features.empty()) {
        const auto written = features.write(command.features);
        if (!written) {
            return fail(EX_IOERR, written.error());
        }
        fmt::print("  features of {} events written to {} ({} events have none)\n",
                   features.row_count(), command.features.string(), features.without_features());
    }
    const bool same = comparison.different() == 0 && comparison.missing() == 0;
    const bool closed = result->books.run.books.imbalance().is_zero();
    return closed && (!command.compare || same) ? EX_OK : 1;
}

ExitStatus forward(const ReplayCommand& command) {
    ForwardCommand forward{.input = input_options(command),
                           .passes = command.passes,
                           .to = command.to,
                           .faults = command.faults};
    return forward_recording(std::move(forward));
}

ExitStatus replay(const ReplayCommand& command) {
    if (!std::filesystem::exists(command.replay.recording)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", command.replay.recording.string()));
    }
    if (command.compare && command.passes > 1) {
        return fail(EX_USAGE,
                    "--compare with --loop (events of a later pass have numbers that were not "
                    "recorded); right is one of them");
    }
    if (command.to.connect.empty() && command.faults.is_wanted()) {
        return fail(EX_USAGE,
                    "faults without a node (they happen on the way to it); right is --connect "
                    "beside them");
    }
    return command.to.connect.empty() ? decide(command) : forward(command);
}

}  // namespace

void add_replay(CLI::App& program, ExitStatus& status) {
    auto* subcommand = program.add_subcommand("replay", "Decide the events of a recording again");
    auto command = std::make_shared<ReplayCommand>();
    add_replay_options(*subcommand, command->replay);
    subcommand->add_flag(
        "--compare", command->compare,
        "Compare decisions and score bits with the recorded ones; exit 1 if any differs");
    subcommand->add_option("--features", command->features,
                           "Write the 21 features of every event to this CSV file");
    subcommand->add_option("--show", command->show, "Differences to print at most")
        ->capture_default_str();
    add_sender_options(*subcommand, command->to);
    subcommand->add_option("--speed", command->speed, "Recorded timing, this many times faster");
    subcommand->add_option("--rate", command->rate,
                           "Events per second; default: as fast as possible");
    subcommand
        ->add_option("--loop", command->passes,
                     "Replay it so often; later passes have event numbers advanced by the span of "
                     "those recorded, and sequences that go on")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    subcommand->add_option("--run", command->run, "Only events of this run");
    subcommand->add_option("--first-event", command->first_event, "From this event number on");
    subcommand->add_option("--last-event", command->last_event, "Up to this event number");
    subcommand->add_option("--from", command->from_s, "Seconds after the first of these events")
        ->check(CLI::NonNegativeNumber);
    subcommand->add_option("--to", command->to_s, "Likewise; default: to its end")
        ->check(CLI::NonNegativeNumber);
    add_fault_options(*subcommand, command->faults);
    subcommand->footer(
        "Example:\n  tamis replay run/demo/selected.mcap --compare --workers 2 --mode dedicated\n"
        "  tamis replay events.mcap --connect tcp://127.0.0.1:5500 --delivery reliable --speed 2 "
        "--duplicate 0.05 --late 0.01 --fault-log faults.ndjson");
    subcommand->callback([command, &status] { status = replay(*command); });
}

}  // namespace tamis::daemon
