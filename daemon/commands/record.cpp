// tamis record: the downstream end of a node. Receives what it selects and writes a recording.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/menu_reader.hpp"
#include "daemon/build_facts.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/steady_time.hpp"
#include "models/event_inputs.hpp"
#include "streams/best_effort_link.hpp"
#include "streams/recording/recording_output.hpp"
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
    bool continues = false;
    std::string durability = "group-commit";
    std::string compression = "zstd";
    std::uint64_t file_bytes = 0;
    std::uint64_t file_seconds = 0;
};

const std::map<std::string, streams::Durability> kDurabilities = {
    {"none", streams::Durability::none},
    {"interval", streams::Durability::interval},
    {"group-commit", streams::Durability::group_commit}};
const std::map<std::string, streams::Compression> kCompressions = {
    {"none", streams::Compression::none},
    {"zstd", streams::Compression::zstd},
    {"lz4", streams::Compression::lz4}};

// Every message that arrives is written; what is no selected event is counted.
class Recorder final : public streams::MessageSink {
 public:
    Recorder(streams::RecordingOutput& output, const std::vector<std::string>& stream_names)
        : output_(output), stream_names_(stream_names) {}

    // False while the disk is full: what comes waits in the link.
    [[nodiscard]] bool is_ready() const noexcept override { return held_.empty(); }

    void on_message(std::span<const std::byte> message,
                    std::uint64_t arrival_ns) noexcept override {
        const auto selected = streams::decode_selected_event(message);
        if (!selected) {
            ++refused_;
            return;
        }
        const streams::StreamMask streams = mask_of(selected->decision);
        if (send(message, streams, arrival_ns) == streams::SendResult::full) {
            held_.assign(message.begin(), message.end());
            held_streams_ = streams;
            ++waits_;
        }
    }
    // Tries the event again that found the disk full.
    void try_again(std::uint64_t now_ns) noexcept {
        if (!held_.empty() && send(held_, held_streams_, now_ns) != streams::SendResult::full) {
            held_.clear();
        }
    }
    // The event that still waits is lost.
    void give_up() noexcept {
        lost_ += held_.empty() ? 0 : 1;
        held_.clear();
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override { ++refused_; }

    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }
    [[nodiscard]] std::uint64_t waits() const noexcept { return waits_; }

 private:
    streams::SendResult send(std::span<const std::byte> message, streams::StreamMask streams,
                             std::uint64_t now_ns) noexcept {
        const streams::SendResult result = output_.send(message, streams, now_ns);
        written_ += result == streams::SendResult::delivered ? 1 : 0;
        lost_ += result == streams::SendResult::failed ? 1 : 0;
        return result;
    }
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

    streams::RecordingOutput& output_;
    const std::vector<std::string>& stream_names_;
    std::vector<std::byte> held_;  // found the disk full
    streams::StreamMask held_streams_ = 0;
    std::uint64_t waits_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t lost_ = 0;
};

streams::RecordingOutputOptions recording_options(const RecordOptions& options,
                                                  const config::Menu& menu) {
    streams::RecordingOutputOptions recording;
    recording.path = options.output.string();
    for (const auto& stream : menu.streams) {
        recording.stream_names.push_back(stream.name);
    }
    recording.existing = options.replace     ? streams::ExistingRecording::replace
                         : options.continues ? streams::ExistingRecording::continue_with
                                             : streams::ExistingRecording::refuse;
    recording.durability = kDurabilities.at(options.durability);
    recording.container.compression = kCompressions.at(options.compression);
    recording.file_bytes = options.file_bytes;
    recording.file_ns = options.file_seconds * 1'000'000'000;
    recording.labels.metadata.push_back({"tamis.menu",
                                         {{"name", menu.name},
                                          {"version", menu.version},
                                          {"hash", fmt::format("{:016x}", menu.hash)},
                                          {"recorded_by", std::string(build_version())}}});
    recording.labels.metadata.push_back(streams::path_names_metadata(menu.paths));
    recording.labels.attachments.push_back({"menu.pbtxt", "text/plain", menu.text});
    recording.utc_minus_steady_ns = streams::utc_minus_steady_ns();
    return recording;
}

// Until a stop signal, and then until nothing has come for a moment.
void receive(streams::BestEffortInput& input, Recorder& recorder,
             streams::RecordingOutput& output) {
    using std::chrono::milliseconds;
    streams::BestEffortInput* const inputs[] = {&input};
    constexpr std::size_t kMessagesPerPoll = 64;
    bool is_full = false;
    for (;;) {
        const std::uint64_t now = steady_clock_ns();
        output.poll(now);
        recorder.try_again(now);
        if (!recorder.is_ready()) {
            if (!is_full) {
                fmt::print(stderr, "tamis: {}; waiting for room\n", output.error());
            }
            is_full = true;
            if (stop_requested()) {
                recorder.give_up();
                break;
            }
            std::this_thread::sleep_for(milliseconds(10));
            continue;
        }
        is_full = false;
        if (input.poll(recorder, now, kMessagesPerPoll) == 0 &&
            !streams::wait_readable(inputs, milliseconds(stop_requested() ? 300 : 5)) &&
            stop_requested()) {
            break;
        }
    }
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
    streams::LinkConfig link;
    link.endpoint = options.bind;
    link.attachment = streams::Attachment::bind;
    link.options.max_message_bytes = std::int64_t{64} << 20;
    auto input = streams::BestEffortInput::make(links, link);
    if (!input) {
        return fail(EX_UNAVAILABLE, input.error());
    }
    fmt::print(stderr, "recording what arrives at {} in {}\n", (*input)->bound_endpoint(),
               options.output.string());
    if (!options.ready_file.empty()) {
        const auto ready = streams::write_whole_file(
            options.ready_file,
            fmt::format("{{\"endpoint\": \"{}\"}}\n", (*input)->bound_endpoint()));
        if (!ready) {
            return fail(EX_IOERR, ready.error());
        }
    }
    Recorder recorder(**output, recording.stream_names);
    receive(**input, recorder, **output);
    const auto closed = (*output)->close({}, steady_clock_ns());
    fmt::print("{} events recorded in {} ({} refused, {} lost, {} waited for the disk)\n",
               recorder.written(), options.output.string(), recorder.refused(), recorder.lost(),
               recorder.waits());
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
    auto* replace =
        command->add_flag("--replace", options->replace, "Overwrite an existing recording");
    command
        ->add_flag("--continue", options->continues,
                   "Begin a new file after the last one of an existing recording")
        ->excludes(replace);
    command
        ->add_option("--durability", options->durability,
                     "none (safe once the system has it), interval (on the disk, every second) or "
                     "group-commit (on the disk, within 5 ms or 4 MiB)")
        ->check(CLI::IsMember(kDurabilities))
        ->capture_default_str();
    command->add_option("--compression", options->compression, "none, zstd or lz4")
        ->check(CLI::IsMember(kCompressions))
        ->capture_default_str();
    command->add_option("--file-bytes", options->file_bytes,
                        "Begin a new file after so many bytes: FILE.0002.mcap and so on");
    command->add_option("--file-seconds", options->file_seconds,
                        "Begin a new file after so many seconds");
    command->add_option("--ready-file", options->ready_file,
                        "Written, with the endpoint, when it listens");
    command->footer(
        "Ends tidily on SIGINT or SIGTERM.\nExample:\n  tamis record --bind "
        "tcp://127.0.0.1:5600 --menu config/menus/physics.pbtxt --output run.mcap");
    command->callback([options, &status] { status = record(*options); });
}

}  // namespace tamis::daemon
