#include "daemon/node_links.hpp"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "config/manifest_file.hpp"
#include "daemon/build_facts.hpp"
#include "daemon/joined_input.hpp"
#include "daemon/steady_time.hpp"
#include "streams/spool/spooled_output.hpp"

namespace tamis::daemon {
namespace {

using streams::Attachment;
using streams::BestEffortInput;
using streams::BestEffortOutput;
using streams::LinkPattern;
using streams::ReliableInput;
using streams::ReliableOutput;

// Frames a little over the limit are received, so that they are counted as oversize with their
// source still connected; far larger ones cut the connection.
constexpr std::int64_t kFrameRoom = 2;

// What makes a recording readable on its own: by which menu and which models it was selected.
streams::RecordingLabels labels_of(const LoadedMenu& menu) {
    streams::RecordingLabels labels;
    streams::McapMetadata run;
    run.name = std::string("tamis.run");
    run.texts = {{"menu", menu.text.name},
                 {"menu_version", menu.text.version},
                 {"menu_hash", fmt::format("{:016x}", menu.text.hash)},
                 {"tamis_version", std::string(build_version())}};
    labels.metadata.push_back(std::move(run));
    labels.metadata.push_back(streams::path_names_metadata(menu.text.paths));
    labels.attachments.push_back(
        {.name = "menu.pbtxt", .media_type = "text/plain", .contents = menu.text.text});
    for (std::size_t i = 0; i < menu.models.size(); ++i) {
        labels.attachments.push_back(
            {.name = menu.text.models[i].name + ".manifest.pbtxt",
             .media_type = "text/plain",
             .contents = config::manifest_text(menu.models[i]->manifest())});
    }
    return labels;
}

std::string to_line(const std::string& what) { return what + "\n"; }

StartFailure unavailable(const std::string& what) {
    return {.exit_status = EX_UNAVAILABLE, .text = to_line(what)};
}

// What sources may have under way: an event waits in the pool for its slowest source, so that one
// of them must not fill it alone.
streams::LinkReceiver::Config receiver_config(const config::InputConfig& input) {
    streams::LinkReceiver::Config receiver;
    receiver.widest = input.sources.size();
    receiver.window.messages = std::max<std::size_t>(1, input.pool_events / 2);
    receiver.window.bytes =
        std::max<std::size_t>(input.max_message_bytes, input.pool_bytes / input.sources.size() / 2);
    return receiver;
}

}  // namespace

NodeLinks::~NodeLinks() = default;

tl::expected<std::unique_ptr<NodeLinks>, StartFailure> NodeLinks::open(
    const config::Deployment& deployment, const LoadedMenu& menu) {
    std::unique_ptr<NodeLinks> links(new NodeLinks);
    if (auto opened = links->open_input(deployment); !opened) {
        return tl::unexpected(opened.error());
    }
    for (const config::OutputConfig& output : deployment.outputs) {
        auto opened = output.recording.empty() ? links->open_link(output, menu, deployment.name)
                                               : links->open_recording(output, menu);
        if (!opened) {
            return tl::unexpected(opened.error());
        }
    }
    return links;
}

tl::expected<void, StartFailure> NodeLinks::open_input(const config::Deployment& deployment) {
    std::vector<std::unique_ptr<streams::FragmentInput>> inputs;
    const auto security = streams::read_link_security(deployment.input.keys, Attachment::bind);
    if (!security) {
        return tl::unexpected(unavailable("input: " + security.error()));
    }
    for (const std::string& endpoint : deployment.input.endpoints) {
        streams::LinkConfig config;
        config.endpoint = endpoint;
        config.options.receive_high_water_mark =
            static_cast<int>(deployment.input.receive_high_water_mark);
        config.options.max_message_bytes =
            static_cast<std::int64_t>(deployment.input.max_message_bytes) * kFrameRoom;
        config.options.unread_bytes = deployment.input.link_bytes;
        config.options.insecure = deployment.input.insecure;
        config.options.security = *security;
        const auto add = [&](auto made) -> tl::expected<void, StartFailure> {
            if (!made) {
                return tl::unexpected(unavailable("input: " + made.error()));
            }
            input_endpoints_.push_back((*made)->bound_endpoint());
            cut_connections_.emplace_back(
                [input = made->get()] { return input->cut_connections(); });
            if (const auto* reliable = dynamic_cast<const ReliableInput*>(made->get())) {
                reliable_inputs_.push_back(reliable);
            }
            inputs.push_back(*std::move(made));
            return {};
        };
        auto added =
            deployment.input.delivery == config::Delivery::reliable
                ? add(ReliableInput::make(context_, config, receiver_config(deployment.input)))
                : add(BestEffortInput::make(context_, config));
        if (!added) {
            return added;
        }
    }
    if (inputs.size() == 1) {
        input_ = std::move(inputs.front());
    } else {
        input_ = std::make_unique<JoinedInput>(std::move(inputs));
    }
    return {};
}

void NodeLinks::add_output(const config::OutputConfig& output, const LoadedMenu& menu,
                           std::unique_ptr<streams::EventOutput> made, std::string endpoint) {
    routes_.push_back({.name = output.name,
                       .output = made.get(),
                       .streams = stream_mask(menu.compiled, output.streams),
                       .full = output.full});
    outputs_.push_back(std::move(made));
    output_endpoints_.push_back(std::move(endpoint));
}

tl::expected<void, StartFailure> NodeLinks::open_link(const config::OutputConfig& output,
                                                      const LoadedMenu& menu,
                                                      const std::string& node) {
    const bool publishes = output.pattern == config::OutputPattern::publish;
    streams::LinkConfig config;
    config.endpoint = output.endpoint;
    config.attachment = publishes ? Attachment::bind : Attachment::connect;
    config.pattern = publishes ? LinkPattern::broadcast : LinkPattern::pipeline;
    config.options.send_high_water_mark = static_cast<int>(output.send_high_water_mark);
    config.options.insecure = output.insecure;
    auto security = streams::read_link_security(output.keys, config.attachment);
    if (!security) {
        return tl::unexpected(unavailable("output " + output.name + ": " + security.error()));
    }
    config.options.security = *std::move(security);
    if (output.pattern == config::OutputPattern::reliable) {
        return open_reliable(output, menu, config, node + "." + output.name);
    }
    auto link = BestEffortOutput::make(context_, config);
    if (!link) {
        return tl::unexpected(unavailable("output " + output.name + ": " + link.error()));
    }
    std::string endpoint = publishes ? (*link)->bound_endpoint() : output.endpoint;
    add_output(output, menu, std::move(*link), std::move(endpoint));
    return {};
}

tl::expected<void, StartFailure> NodeLinks::open_reliable(const config::OutputConfig& output,
                                                          const LoadedMenu& menu,
                                                          const streams::LinkConfig& config,
                                                          const std::string& name) {
    const auto add = [&](auto made) -> tl::expected<void, StartFailure> {
        if (!made) {
            return tl::unexpected(unavailable("output " + output.name + ": " + made.error()));
        }
        add_output(output, menu, *std::move(made), output.endpoint);
        return {};
    };
    streams::LinkSender::Config sender;
    sender.name = name;
    if (output.spool.empty()) {
        return add(ReliableOutput::make(context_, config, sender));
    }
    streams::SpooledOutput::Config spooled;
    spooled.link = config;
    spooled.sender = sender;
    spooled.spool = {.path = output.spool, .bytes = output.spool_bytes};
    auto added = add(streams::SpooledOutput::make(context_, spooled));
    if (added && !output.spool_drop_streams.empty()) {
        routes_.back().droppable = stream_mask(menu.compiled, output.spool_drop_streams);
    }
    return added;
}

tl::expected<void, StartFailure> NodeLinks::open_recording(const config::OutputConfig& output,
                                                           const LoadedMenu& menu) {
    streams::RecordingOutputOptions options;
    options.path = output.recording;
    options.stream_names = menu.compiled.context().stream_names;
    options.labels = labels_of(menu);
    options.container.compression = output.compression;
    options.durability = output.durability;
    options.file_bytes = output.file_bytes;
    options.file_ns = std::uint64_t{output.file_seconds} * 1'000'000'000;
    options.existing = output.existing;
    options.utc_minus_steady_ns = streams::utc_minus_steady_ns();
    auto recording = streams::RecordingOutput::create(options);
    if (!recording) {
        return tl::unexpected(
            StartFailure{.exit_status = EX_IOERR,
                         .text = to_line("output " + output.name + ": " + recording.error())});
    }
    recordings_.push_back(recording->get());
    add_output(output, menu, std::move(*recording), output.recording);
    return {};
}

std::vector<streams::LinkReceiverCounters> NodeLinks::input_links() const {
    std::vector<streams::LinkReceiverCounters> links;
    for (const ReliableInput* input : reliable_inputs_) {
        links.push_back(input->published_counters());
    }
    return links;
}

std::vector<std::uint64_t> NodeLinks::cut_connections() const {
    std::vector<std::uint64_t> counts;
    for (const auto& count : cut_connections_) {
        counts.push_back(count());
    }
    return counts;
}

std::vector<std::string> NodeLinks::close_outputs(const std::string& run_summary) {
    streams::RecordingLabels labels;
    labels.attachments.push_back(
        {.name = "run_summary.json", .media_type = "application/json", .contents = run_summary});
    std::vector<std::string> errors;
    for (streams::RecordingOutput* recording : recordings_) {
        if (auto closed = recording->close(labels, steady_clock_ns()); !closed) {
            errors.push_back(closed.error());
        }
    }
    recordings_.clear();
    routes_.clear();
    outputs_.clear();
    return errors;
}

}  // namespace tamis::daemon
