// tamis generate: synthetic collisions, sent as a detector would, written to a recording, or
// compared with published shapes. Event N of a seed is always the same, so several processes can
// each send their part of every event.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/audit/source_log.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/fragment_sender.hpp"
#include "daemon/commands/progress.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "models/event_features.hpp"
#include "streams/recording/fragment_recorder.hpp"
#include "streams/synthetic/published_shapes.hpp"
#include "streams/synthetic/synthetic_source.hpp"

namespace tamis::daemon {

namespace {

struct GenerateOptions {
    std::uint64_t events = 50'000;
    std::uint64_t first_event = 1;
    std::uint32_t run = 1;
    std::uint64_t seed = 1;
    double signals = 0;
    std::string only;
    std::string source = "all";
    SenderOptions to;
    double rate = 0;
    std::int64_t start_at_ns = 0;
    std::filesystem::path output;
    bool replace = false;
    std::filesystem::path compare;
    std::filesystem::path log;
};

tl::expected<streams::SyntheticConfig, std::string> synthetic_config(
    const GenerateOptions& options) {
    streams::SyntheticConfig config;
    config.seed = options.seed;
    config.mix = streams::EventMix::with_signals(options.signals);
    if (!options.only.empty()) {
        const auto process = streams::find_process(options.only);
        if (!process) {
            return tl::unexpected(fmt::format(
                "no process '{}'; there are w, qcd, z, ttbar, a_to_4l, lq_to_b_tau, h0_to_tau_tau, "
                "hpm_to_tau_nu",
                options.only));
        }
        config.mix = streams::EventMix::only(*process);
    }
    return config;
}

tl::expected<std::vector<streams::SyntheticDetector>, std::string> detectors(
    const std::string& name) {
    if (name == "all") {
        return std::vector{streams::SyntheticDetector::calorimeter,
                           streams::SyntheticDetector::muon, streams::SyntheticDetector::tracker,
                           streams::SyntheticDetector::pixel};
    }
    const auto detector = streams::find_detector(name);
    if (!detector) {
        return tl::unexpected(fmt::format(
            "no source '{}'; there are calorimeter, muon, tracker, pixel and all", name));
    }
    return std::vector{*detector};
}

// Events leave at evenly spaced times from a common start; one that is late leaves at once and does
// not delay the plan.
class Schedule {
 public:
    explicit Schedule(const GenerateOptions& options)
        : start_(options.start_at_ns == 0
                     ? Clock::now()
                     : Clock::time_point(std::chrono::nanoseconds(options.start_at_ns))),
          period_s_(options.rate > 0 ? 1.0 / options.rate : 0) {}

    // Sleeps until the event's time, at most so long; true when it has come.
    bool wait_for(std::uint64_t index, std::chrono::milliseconds limit) const {
        const auto due = start_ + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(period_s_) * index);
        const auto now = Clock::now();
        if (due > now) {
            std::this_thread::sleep_until(std::min<Clock::time_point>(due, now + limit));
        }
        return due <= now + limit;
    }

 private:
    using Clock = std::chrono::system_clock;  // common to all processes of a machine
    Clock::time_point start_;
    double period_s_;
};

// What a source may forget, written down now and then; a source that is started again on its log
// goes on behind it.
class SentLog {
 public:
    static tl::expected<SentLog, std::string> open(const GenerateOptions& options,
                                                   std::size_t fragments_per_event) {
        SentLog sent;
        sent.fragments_per_event_ = fragments_per_event;
        sent.line_ = {
            .source = options.source, .run = options.run, .first_event = options.first_event};
        if (options.log.empty()) {
            return sent;
        }
        if (std::filesystem::exists(options.log) && std::filesystem::file_size(options.log) > 0) {
            const auto before = read_source_log(options.log);
            if (!before) {
                return tl::unexpected(before.error());
            }
            sent.safe_before_ = before->safe;
        }
        auto log = SourceLog::append_to(options.log);
        if (!log) {
            return tl::unexpected(log.error());
        }
        sent.log_ = *std::move(log);
        return sent;
    }

    [[nodiscard]] std::uint64_t safe_before() const { return safe_before_; }

    enum class When : bool { due, now };
    void note(std::uint64_t sent, const FragmentSender& sender, When when) {
        using std::chrono::steady_clock;
        constexpr std::chrono::milliseconds kInterval(20);
        if (!log_ || (when == When::due && steady_clock::now() < noted_ + kInterval)) {
            return;
        }
        noted_ = steady_clock::now();
        line_.sent = sent;
        line_.safe = safe_before_ + sender.safe_count() / fragments_per_event_;
        (void)log_->write(line_);
    }

 private:
    std::optional<SourceLog> log_;
    SourceLogLine line_;
    std::uint64_t safe_before_ = 0;
    std::size_t fragments_per_event_ = 1;
    std::chrono::steady_clock::time_point noted_;
};

// What waits for the time of the next event answers the node meanwhile.
void wait_for(const Schedule& schedule, std::uint64_t index, FragmentSender& sender) {
    constexpr std::chrono::milliseconds kBetweenAnswers(5);
    while (!schedule.wait_for(index, kBetweenAnswers) && !stop_requested()) {
        sender.poll();
    }
}

ExitStatus send(const GenerateOptions& options, streams::SyntheticSource& source,
                const std::vector<streams::SyntheticDetector>& parts) {
    auto sender = FragmentSender::make(options.to, "generate." + options.source, parts.size());
    if (!sender) {
        return fail(EX_UNAVAILABLE, sender.error());
    }
    auto log = SentLog::open(options, parts.size());
    if (!log) {
        return fail(EX_CANTCREAT, log.error());
    }
    Progress progress("sending", "events", options.events);
    const Schedule schedule(options);
    std::string message;
    std::uint64_t sent = log->safe_before();
    for (; sent < options.events && !stop_requested(); ++sent) {
        wait_for(schedule, sent, *sender);
        for (const auto part : parts) {
            source.encode_fragment(options.run, options.first_event + sent, part, message);
            if (!sender->send(std::as_bytes(std::span(message)))) {
                return fail(EX_UNAVAILABLE,
                            fmt::format("stopped after {} events: {}", sent, sender->why()));
            }
        }
        progress.update(sent + 1);
        log->note(sent + 1, *sender, SentLog::When::due);
    }
    const bool is_safe = sender->finish();
    log->note(sent, *sender, SentLog::When::now);
    progress.finish();
    if (!is_safe) {
        return fail(EX_UNAVAILABLE,
                    fmt::format("{} of {} fragments are safe: {}", sender->safe_count(),
                                sent * parts.size(), sender->why()));
    }
    fmt::print("{} events sent to {} as source {}\n", sent, options.to.connect, options.source);
    return EX_OK;
}

ExitStatus write(const GenerateOptions& options, streams::SyntheticSource& source,
                 const std::vector<streams::SyntheticDetector>& parts) {
    streams::FragmentRecorderOptions recording;
    recording.path = options.output.string();
    recording.container.existing =
        options.replace ? streams::ExistingFile::replace : streams::ExistingFile::refuse;
    recording.labels.metadata.push_back({"tamis.generate",
                                         {{"seed", std::to_string(options.seed)},
                                          {"run", std::to_string(options.run)},
                                          {"first_event", std::to_string(options.first_event)},
                                          {"events", std::to_string(options.events)},
                                          {"signals", fmt::format("{}", options.signals)},
                                          {"only", options.only}}});
    auto recorder = streams::FragmentRecorder::create(recording);
    if (!recorder) {
        return fail(EX_CANTCREAT, recorder.error());
    }
    Progress progress("generating", "events", options.events);
    const streams::SyntheticConfig& config = source.config();
    std::string message;
    for (std::uint64_t index = 0; index < options.events && !stop_requested(); ++index) {
        const std::uint64_t event = options.first_event + index;
        const std::uint64_t time_ns =
            config.first_timestamp_ns + (event - 1) * config.event_period_ns;
        for (const auto part : parts) {
            source.encode_fragment(options.run, event, part, message);
            if ((*recorder)->write(std::as_bytes(std::span(message)), time_ns) !=
                streams::WriteStatus::written) {
                return fail(EX_IOERR, (*recorder)->writer().error());
            }
        }
        progress.update(index + 1);
    }
    progress.finish();
    const std::uint64_t last_ns =
        config.first_timestamp_ns + options.events * config.event_period_ns;
    if (const auto closed = (*recorder)->close({}, last_ns); !closed) {
        return fail(EX_IOERR, closed.error());
    }
    fmt::print("{} events, {} fragments, {:.1f} MB written to {}\n", options.events,
               (*recorder)->writer().messages_written(),
               static_cast<double>((*recorder)->writer().file_bytes()) / 1e6,
               options.output.string());
    return EX_OK;
}

ExitStatus compare(const GenerateOptions& options) {
    streams::FeatureDerivation features;
    features.names.assign(models::kFeatureNames.begin(), models::kFeatureNames.end());
    features.derive = [](const streams::PhysicsObjects& objects, std::span<float> row) {
        const auto values = models::high_level_features(objects);
        std::copy(values.begin(), values.end(), row.begin());
    };
    const auto report = streams::kolmogorov_report(options.compare.string(), options.seed,
                                                   options.events, features);
    if (!report) {
        return fail(EX_DATAERR, report.error());
    }
    fmt::print("Kolmogorov distance of {} generated events per process to {}\n{}", options.events,
               options.compare.string(), streams::to_table(*report));
    return EX_OK;
}

ExitStatus generate(const GenerateOptions& options) {
    if (!options.compare.empty()) {
        return compare(options);
    }
    const auto config = synthetic_config(options);
    if (!config) {
        return fail(EX_USAGE, config.error());
    }
    const auto parts = detectors(options.source);
    if (!parts) {
        return fail(EX_USAGE, parts.error());
    }
    if (options.to.connect.empty() == options.output.empty()) {
        return fail(EX_USAGE, "say where events go: either --connect or --output");
    }
    catch_stop_signals();
    streams::SyntheticSource source(*config);
    return options.to.connect.empty() ? write(options, source, *parts)
                                      : send(options, source, *parts);
}

}  // namespace

void add_generate(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand("generate", "Generate synthetic collisions");
    auto options = std::make_shared<GenerateOptions>();
    command->add_option("--events", options->events, "How many (per process with --compare)")
        ->capture_default_str();
    command->add_option("--first-event", options->first_event, "Number of the first event")
        ->capture_default_str();
    command->add_option("--run", options->run, "Run number")->capture_default_str();
    command->add_option("--seed", options->seed, "Event N of a seed is always the same")
        ->capture_default_str();
    command
        ->add_option("--signals", options->signals,
                     "Fraction of each of the four signals, beside the Standard-Model mix")
        ->check(CLI::Range(0.0, 0.25));
    command->add_option("--only", options->only, "Only this process (w, qcd, ..., hpm_to_tau_nu)");
    command
        ->add_option("--source", options->source,
                     "Only this detector's fragments: calorimeter, muon, tracker, pixel")
        ->capture_default_str();
    add_sender_options(*command, options->to);
    command->add_option("--log", options->log,
                        "Append what has been sent and what is safe, for tamis audit; a source "
                        "that finds its log goes on behind the last safe event");
    command->add_option("--rate", options->rate,
                        "Events per second; as fast as possible without it");
    command->add_option(
        "--start-at", options->start_at_ns,
        "Time of the first event, ns since 1970: a common start of several sources");
    command->add_option("--output", options->output, "MCAP file to write instead of sending");
    command->add_flag("--replace", options->replace, "Overwrite an existing file");
    command
        ->add_option("--compare", options->compare,
                     "Print the Kolmogorov distances to this file of published histograms")
        ->check(CLI::ExistingFile);
    command->footer(
        "Example:\n  tamis generate --events 10000 --signals 0.02 --output events.mcap\n"
        "  tamis generate --events 10000 --connect tcp://127.0.0.1:5500 --delivery reliable");
    command->callback([options, &status] { status = generate(*options); });
}

}  // namespace tamis::daemon
