// tamis replay: a recording through the event path of the node, again. Decides every event,
// compares with what was recorded, or sends the fragments to a running node.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "daemon/commands/command.hpp"
#include "daemon/commands/feature_collector.hpp"
#include "daemon/commands/fragment_sender.hpp"
#include "daemon/commands/menu_file.hpp"
#include "daemon/commands/progress.hpp"
#include "daemon/commands/replay_options.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/decision_digest.hpp"
#include "daemon/steady_time.hpp"
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
};

// Sees every decision: into the digest, and against the recorded one; keeps features for a table.
class Comparison final : public DecisionObserver {
 public:
    Comparison(const TriggerMenu& menu, const streams::RecordedDecisions* recorded,
               std::size_t show, FeatureCollector* features)
        : menu_(menu), recorded_(recorded), show_(show), features_(features) {}

    void on_decision(const streams::Event& event, const streams::Decision& decision,
                     Delivery /*delivery*/) noexcept override {
        digest_.add(decision);
        if (features_ != nullptr) {
            features_->add(event);
        }
        if (recorded_ == nullptr) {
            return;
        }
        const auto* before = recorded_->find(event.run, event.number);
        if (before == nullptr) {
            ++missing_;
            return;
        }
        ++compared_;
        const std::string difference =
            streams::describe_difference(*before, decision, menu_.context());
        if (!difference.empty() && ++different_ <= show_) {
            lines_ += fmt::format("  run {} event {}: {}\n", event.run, event.number, difference);
        }
    }

    [[nodiscard]] const DecisionDigest& digest() const noexcept { return digest_; }
    [[nodiscard]] std::uint64_t compared() const noexcept { return compared_; }
    [[nodiscard]] std::uint64_t different() const noexcept { return different_; }
    [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }
    [[nodiscard]] const std::string& lines() const noexcept { return lines_; }

 private:
    const TriggerMenu& menu_;
    const streams::RecordedDecisions* recorded_;
    std::size_t show_;
    FeatureCollector* features_;
    DecisionDigest digest_;
    std::uint64_t compared_ = 0;
    std::uint64_t different_ = 0;
    std::uint64_t missing_ = 0;
    std::string lines_;
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

void print_result(const ReplayCommand& command, const RecordingRunResult& result,
                  const Comparison& comparison) {
    const auto& books = result.books.run.books;
    const double rate = static_cast<double>(comparison.digest().events()) / result.seconds;
    if (command.replay.json) {
        const nlohmann::ordered_json json{
            {"events", comparison.digest().events()},
            {"accepted", books.of(streams::Outcome::accepted)},
            {"rejected", books.of(streams::Outcome::rejected)},
            {"debug", books.debug()},
            {"digest", fmt::format("{:016x}", comparison.digest().value())},
            {"compared", comparison.compared()},
            {"different", comparison.different()},
            {"imbalance_zero", books.imbalance().is_zero()},
            {"recording", streams::to_string(result.end)},
            {"seconds", result.seconds}};
        fmt::print("{}\n", json.dump());
        return;
    }
    fmt::print("{} events of {} decided in {:.2f} s ({:.0f} events/s)\n",
               comparison.digest().events(), command.replay.recording.string(), result.seconds,
               rate);
    print_books(books);
    fmt::print("  digest of all decisions and score bits: {:016x}\n", comparison.digest().value());
    if (command.compare) {
        fmt::print("  compared with the recording: {} events, {} different, {} not recorded\n{}",
                   comparison.compared(), comparison.different(), comparison.missing(),
                   comparison.lines());
    }
}

ExitStatus decide(const ReplayCommand& command) {
    const auto menu = open_menu(menu_or_default(command.replay));
    if (!menu) {
        return menu.error();
    }
    std::optional<streams::RecordedDecisions> recorded;
    if (command.compare) {
        auto read = streams::read_recorded_decisions(command.replay.recording.string());
        if (!read) {
            return fail(EX_DATAERR, read.error());
        }
        recorded = *std::move(read);
    }
    FeatureCollector features;
    Comparison comparison(menu->compiled, recorded ? &*recorded : nullptr, command.show,
                          command.features.empty() ? nullptr : &features);
    Progress progress("replaying", "events", 0);
    auto options = recording_run_options(command.replay);
    options.input.pace = pace_options(command);
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

// Hands every fragment on to a running node.
class Forwarder final : public streams::MessageSink {
 public:
    explicit Forwarder(FragmentSender& sender) : sender_(sender) {}
    [[nodiscard]] bool is_ready() const noexcept override { return !failed_; }
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t /*arrival_ns*/) noexcept override {
        failed_ = !sender_.send(message);
        sent_ += failed_ ? 0 : 1;
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override {}
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] bool has_failed() const noexcept { return failed_; }

 private:
    FragmentSender& sender_;
    std::uint64_t sent_ = 0;
    bool failed_ = false;
};

ExitStatus forward(const ReplayCommand& command) {
    auto options = recording_run_options(command.replay).input;
    options.pace = pace_options(command);
    auto recording = streams::RecordingInput::open(options);
    if (!recording) {
        return fail(EX_DATAERR, recording.error());
    }
    const auto sources = find_sources(options);
    if (!sources) {
        return fail(EX_DATAERR, sources.error());
    }
    catch_stop_signals();
    auto sender = FragmentSender::make(command.to, "replay", sources->size());
    if (!sender) {
        return fail(EX_UNAVAILABLE, sender.error());
    }
    Forwarder forwarder(*sender);
    Progress progress("sending", "fragments", 0);
    while (!(*recording)->is_exhausted() && forwarder.is_ready()) {
        const std::size_t work = (*recording)->poll(forwarder, steady_clock_ns(), 64);
        const auto due = (*recording)->next_due_ns();
        if (work == 0 && due && *due > steady_clock_ns()) {
            constexpr std::uint64_t kBetweenAnswersNs = 5'000'000;
            std::this_thread::sleep_for(
                std::chrono::nanoseconds(std::min(*due - steady_clock_ns(), kBetweenAnswersNs)));
            sender->poll();
        }
        progress.update(forwarder.sent());
    }
    const bool is_safe = !forwarder.has_failed() && sender->finish();
    progress.finish();
    fmt::print("{} fragments sent to {}\n", forwarder.sent(), command.to.connect);
    return is_safe ? EX_OK : fail(EX_UNAVAILABLE, sender->why());
}

ExitStatus replay(const ReplayCommand& command) {
    if (!std::filesystem::exists(command.replay.recording)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", command.replay.recording.string()));
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
    subcommand->footer(
        "Example:\n  tamis replay run/demo/selected.mcap --compare --workers 2 --mode dedicated");
    subcommand->callback([command, &status] { status = replay(*command); });
}

}  // namespace tamis::daemon
