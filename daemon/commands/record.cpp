// tamis record: the downstream end of a node. Receives what it selects and writes a recording.
#include <fmt/core.h>
#include <poll.h>
#include <sysexits.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/menu_reader.hpp"
#include "daemon/build_facts.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/event_recorder.hpp"
#include "daemon/commands/link_keys.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/steady_time.hpp"
#include "models/event_inputs.hpp"
#include "streams/best_effort_link.hpp"
#include "streams/curve_keys.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/reliable/reliable_link.hpp"
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
    std::string delivery = "best_effort";
    streams::KeyFiles keys;
};

const std::map<std::string, streams::Durability> kDurabilities = {
    {"none", streams::Durability::none},
    {"interval", streams::Durability::interval},
    {"group-commit", streams::Durability::group_commit}};
const std::map<std::string, streams::Compression> kCompressions = {
    {"none", streams::Compression::none},
    {"zstd", streams::Compression::zstd},
    {"lz4", streams::Compression::lz4}};

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
void receive(streams::FragmentInput& input, EventRecorder& recorder,
             streams::RecordingOutput& output) {
    constexpr std::size_t kMessagesPerPoll = 64;
    constexpr std::uint64_t kSilenceNs = 300'000'000;
    std::uint64_t last_ns = steady_clock_ns();
    bool is_full = false;
    for (;;) {
        const std::uint64_t now = steady_clock_ns();
        output.poll(now);
        recorder.try_again(now);
        recorder.settle_safe(input);
        const bool was_full = std::exchange(is_full, !recorder.is_ready());
        if (is_full && !was_full) {
            fmt::print(stderr, "tamis: {}; waiting for room\n", output.error());
        }
        if (is_full && stop_requested()) {
            recorder.give_up();
            break;
        }
        if (input.poll(recorder, now, kMessagesPerPoll) > 0) {
            last_ns = now;
            continue;
        }
        if (stop_requested() && now > last_ns + kSilenceNs) {
            break;
        }
        // What becomes safe, or finds room, wakes nobody.
        pollfd ready{.fd = input.wait_descriptor(), .events = POLLIN, .revents = 0};
        ::poll(&ready, 1, input.wants_settling() ? 1 : 5);
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
    auto security = streams::read_link_security(options.keys, link.attachment);
    if (!security) {
        return tl::unexpected(security.error());
    }
    link.options.security = *std::move(security);
    const auto opened = [](auto made) -> tl::expected<OpenLink, std::string> {
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
    EventRecorder recorder(**output, recording.stream_names);
    if (options.delivery == "reliable") {
        if (!options.continues) {
            std::filesystem::remove(EventRecorder::list_file(recording.path));
        }
        if (const auto kept = recorder.keep_list(recording.path); !kept) {
            return fail(EX_CANTCREAT, kept.error());
        }
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
    receive(*link->input, recorder, **output);
    link->input->stop();
    const auto closed = (*output)->close({}, steady_clock_ns());
    if (closed) {
        recorder.settle_safe(*link->input);
        link->input->flush(steady_clock_ns());
    }
    fmt::print(
        "{} events recorded in {} ({} came twice, {} refused, {} lost, {} waited for the disk)\n",
        recorder.written(), options.output.string(), recorder.repeated(), recorder.refused(),
        recorder.lost(), recorder.waits());
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
    command
        ->add_option("--delivery", options->delivery,
                     "As the nodes' output: reliable senders forget an event when it is safe here; "
                     "what came is "
                     "listed in OUTPUT.events, so that nothing is taken twice over restarts")
        ->check(CLI::IsMember({"best_effort", "reliable"}))
        ->capture_default_str();
    add_server_key_options(*command, options->keys);
    command->add_option("--ready-file", options->ready_file,
                        "Written, with the endpoint, when it listens");
    command->footer(
        "Ends tidily on SIGINT or SIGTERM.\nExample:\n  tamis record --bind "
        "tcp://127.0.0.1:5600 --menu config/menus/physics.pbtxt --output run.mcap");
    command->callback([options, &status] { status = record(*options); });
}

}  // namespace tamis::daemon
