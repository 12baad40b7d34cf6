// tamis record: the downstream end of a node. Receives what it selects and writes a recording.
#include <fmt/core.h>
#include <poll.h>
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/menu_reader.hpp"
#include "daemon/build_facts.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/steady_time.hpp"
#include "models/event_inputs.hpp"
#include "streams/best_effort_link.hpp"
#include "streams/recent_events.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/reliable/reliable_link.hpp"
#include "streams/selected_event.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {

namespace {

struct RecordOptions {
    std::string bind;
    std::filesystem::path menu;
    std::filesystem::path output;
    std::filesystem::path ready_file;
    bool replace = false;
    std::string delivery = "best_effort";
};

// Every message that arrives is written; what is no selected event is counted.
class Recorder final : public streams::MessageSink {
 public:
    Recorder(streams::RecordingOutput& output, const std::vector<std::string>& stream_names)
        : output_(output), stream_names_(stream_names) {}

    [[nodiscard]] bool is_ready() const noexcept override { return !disk_is_full_; }

    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t arrival_ns) noexcept override {
        const auto selected = streams::decode_selected_event(message);
        if (!selected) {
            ++refused_;
            return streams::kNoHold;
        }
        if (!recent_.add({selected->decision.run, selected->decision.event})) {
            ++repeated_;  // its node, or another, did not hear that it is here
            return safe_ == written_ ? streams::kNoHold : hold_next();
        }
        switch (output_.send(message, mask_of(selected->decision), arrival_ns)) {
            case streams::SendResult::delivered:
                ++written_;
                return hold_next();
            case streams::SendResult::full:
                disk_is_full_ = true;
                ++lost_;
                break;
            case streams::SendResult::failed:
                ++lost_;
                break;
        }
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override { ++refused_; }

    // What the recording holds safely since the last call; its senders may forget it.
    void settle_safe(streams::FragmentInput& input) {
        for (; safe_ < std::min(written_, output_.durable_count()); ++safe_) {
            input.settle(hold_of(safe_), streams::LinkLevel::durable);
        }
    }

    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
    [[nodiscard]] streams::StreamMask mask_of(const streams::ReadDecision& decision) const {
        streams::StreamMask mask = 0;
        for (const auto& name : decision.stream_names) {
            const auto found = std::find(stream_names_.begin(), stream_names_.end(), name);
            if (found != stream_names_.end()) {
                mask |= streams::StreamMask{1} << (found - stream_names_.begin());
            }
        }
        return mask;
    }

    static constexpr std::size_t kRemembered = std::size_t{1} << 20U;
    // Holds are numbered round and round: more than can be under way at one time.
    static constexpr std::uint64_t kHolds = std::uint64_t{1} << 20U;
    [[nodiscard]] static streams::Hold hold_of(std::uint64_t event) noexcept {
        return static_cast<streams::Hold>(event % kHolds);
    }
    [[nodiscard]] streams::Hold hold_next() const noexcept { return hold_of(written_ - 1); }

    streams::RecordingOutput& output_;
    const std::vector<std::string>& stream_names_;
    bool disk_is_full_ = false;
    std::uint64_t written_ = 0;
    std::uint64_t safe_ = 0;  // of them
    std::uint64_t refused_ = 0;
    std::uint64_t repeated_ = 0;
    streams::RecentEvents recent_{kRemembered, 0};
    std::uint64_t lost_ = 0;
};

streams::RecordingOutputOptions recording_options(const RecordOptions& options,
                                                  const config::Menu& menu) {
    streams::RecordingOutputOptions recording;
    recording.path = options.output.string();
    for (const auto& stream : menu.streams) {
        recording.stream_names.push_back(stream.name);
    }
    recording.container.existing =
        options.replace ? streams::ExistingFile::replace : streams::ExistingFile::refuse;
    recording.labels.metadata.push_back({"tamis.menu",
                                         {{"name", menu.name},
                                          {"version", menu.version},
                                          {"hash", fmt::format("{:016x}", menu.hash)},
                                          {"recorded_by", std::string(build_version())}}});
    recording.labels.attachments.push_back({"menu.pbtxt", "text/plain", menu.text});
    recording.utc_minus_steady_ns = streams::utc_minus_steady_ns();
    return recording;
}

// Until a stop signal, and then until nothing has come for a moment.
void receive(streams::FragmentInput& input, Recorder& recorder, streams::RecordingOutput& output) {
    constexpr std::size_t kMessagesPerPoll = 64;
    constexpr std::uint64_t kSilenceNs = 300'000'000;
    const bool answers = input.wants_settling();
    std::uint64_t last_ns = steady_clock_ns();
    while (recorder.is_ready()) {
        const std::uint64_t now = steady_clock_ns();
        output.poll(now);
        recorder.settle_safe(input);
        if (input.poll(recorder, now, kMessagesPerPoll) > 0) {
            last_ns = now;
            continue;
        }
        if (stop_requested() && now > last_ns + kSilenceNs) {
            break;
        }
        // A recording that becomes safe wakes nobody.
        pollfd ready{.fd = input.wait_descriptor(), .events = POLLIN, .revents = 0};
        ::poll(&ready, 1, answers ? 1 : 100);
    }
}

struct OpenLink {
    std::unique_ptr<streams::FragmentInput> input;
    std::string endpoint;
};

tl::expected<OpenLink, std::string> open_link(streams::LinkContext& links,
                                              const RecordOptions& options) {
    streams::LinkConfig link;
    link.endpoint = options.bind;
    link.attachment = streams::Attachment::bind;
    link.options.max_message_bytes = std::int64_t{64} << 20;
    const auto opened = [](auto&& made) -> tl::expected<OpenLink, std::string> {
        if (!made) {
            return tl::unexpected(made.error());
        }
        std::string endpoint = (*made)->bound_endpoint();
        return OpenLink{*std::move(made), std::move(endpoint)};
    };
    return options.delivery == "reliable" ? opened(streams::ReliableInput::make(links, link, {}))
                                          : opened(streams::BestEffortInput::make(links, link));
}

ExitStatus record(const RecordOptions& options) {
    config::MenuContext context;
    context.quantities = models::quantity_names();
    const auto menu = config::read_menu(options.menu, context);
    if (!menu) {
        fmt::print(stderr, "{}", config::to_string(menu.error()));
        return EX_CONFIG;
    }
    const auto recording = recording_options(options, *menu);
    auto output = streams::RecordingOutput::create(recording);
    if (!output) {
        return fail(EX_CANTCREAT, output.error());
    }
    catch_stop_signals();
    streams::LinkContext links;
    auto link = open_link(links, options);
    if (!link) {
        return fail(EX_UNAVAILABLE, link.error());
    }
    fmt::print(stderr, "recording what arrives at {} in {}\n", link->endpoint,
               options.output.string());
    if (!options.ready_file.empty()) {
        const auto ready = streams::write_whole_file(
            options.ready_file, fmt::format("{{\"endpoint\": \"{}\"}}\n", link->endpoint));
        if (!ready) {
            return fail(EX_IOERR, ready.error());
        }
    }
    Recorder recorder(**output, recording.stream_names);
    receive(*link->input, recorder, **output);
    link->input->stop();
    const auto closed = (*output)->close({}, steady_clock_ns());
    if (closed) {
        recorder.settle_safe(*link->input);
        link->input->flush(steady_clock_ns());
    }
    fmt::print("{} events recorded in {} ({} came twice, {} refused, {} lost)\n",
               recorder.written(), options.output.string(), recorder.repeated(), recorder.refused(),
               recorder.lost());
    if (!closed) {
        return fail(EX_IOERR, closed.error());
    }
    return recorder.lost() == 0 ? EX_OK : fail(EX_IOERR, (*output)->error());
}

}  // namespace

void add_record(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand("record", "Record the events that a node selects");
    auto options = std::make_shared<RecordOptions>();
    command->add_option("--bind", options->bind, "Endpoint to which nodes connect their output")
        ->required();
    command->add_option("--menu", options->menu, "Menu of the node: its streams become channels")
        ->required()
        ->check(CLI::ExistingFile);
    command->add_option("--output", options->output, "MCAP file to write")->required();
    command->add_flag("--replace", options->replace, "Overwrite an existing file");
    command
        ->add_option("--delivery", options->delivery,
                     "As the nodes' output: reliable senders forget an event when it is safe here")
        ->check(CLI::IsMember({"best_effort", "reliable"}))
        ->capture_default_str();
    command->add_option("--ready-file", options->ready_file,
                        "Written, with the endpoint, when it listens");
    command->footer(
        "Ends tidily on SIGINT or SIGTERM.\nExample:\n  tamis record --bind "
        "tcp://127.0.0.1:5600 --menu config/menus/physics.pbtxt --output run.mcap");
    command->callback([options, &status] { status = record(*options); });
}

}  // namespace tamis::daemon
