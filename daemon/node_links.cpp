#include "daemon/node_links.hpp"

#include <sysexits.h>

#include <utility>

#include "daemon/joined_input.hpp"

namespace tamis::daemon {
namespace {

using streams::Attachment;
using streams::BestEffortInput;
using streams::BestEffortOutput;
using streams::LinkPattern;

// Frames a little over the limit are received, so that they are counted as oversize with their
// source still connected; far larger ones cut the connection.
constexpr std::int64_t kFrameRoom = 2;

std::string to_line(const std::string& what) { return what + "\n"; }

}  // namespace

NodeLinks::~NodeLinks() = default;

tl::expected<std::unique_ptr<NodeLinks>, StartFailure> NodeLinks::open(
    const config::Deployment& deployment, const LoadedMenu& menu) {
    std::unique_ptr<NodeLinks> links(new NodeLinks);
    if (auto opened = links->open_input(deployment); !opened) {
        return tl::unexpected(opened.error());
    }
    for (const config::OutputConfig& output : deployment.outputs) {
        if (auto opened = links->open_output(output, menu); !opened) {
            return tl::unexpected(opened.error());
        }
    }
    return links;
}

tl::expected<void, StartFailure> NodeLinks::open_input(const config::Deployment& deployment) {
    std::vector<std::unique_ptr<streams::FragmentInput>> inputs;
    for (const std::string& endpoint : deployment.input.endpoints) {
        streams::LinkConfig config;
        config.endpoint = endpoint;
        config.options.receive_high_water_mark =
            static_cast<int>(deployment.input.receive_high_water_mark);
        config.options.max_message_bytes =
            static_cast<std::int64_t>(deployment.input.max_message_bytes) * kFrameRoom;
        config.options.insecure = deployment.input.insecure;
        auto input = BestEffortInput::make(context_, config);
        if (!input) {
            return tl::unexpected(StartFailure{.exit_status = EX_UNAVAILABLE,
                                               .text = to_line("input: " + input.error())});
        }
        input_endpoints_.push_back((*input)->bound_endpoint());
        inputs.push_back(std::move(*input));
    }
    if (inputs.size() == 1) {
        input_ = std::move(inputs.front());
    } else {
        input_ = std::make_unique<JoinedInput>(std::move(inputs));
    }
    return {};
}

tl::expected<void, StartFailure> NodeLinks::open_output(const config::OutputConfig& output,
                                                        const LoadedMenu& menu) {
    const auto add = [&](std::unique_ptr<streams::EventOutput> made, std::string endpoint) {
        routes_.push_back({.name = output.name,
                           .output = made.get(),
                           .streams = stream_mask(menu.compiled, output.streams),
                           .full = output.full});
        outputs_.push_back(std::move(made));
        output_endpoints_.push_back(std::move(endpoint));
    };
    const bool publishes = output.pattern == config::OutputPattern::publish;
    streams::LinkConfig config;
    config.endpoint = output.endpoint;
    config.attachment = publishes ? Attachment::bind : Attachment::connect;
    config.pattern = publishes ? LinkPattern::broadcast : LinkPattern::pipeline;
    config.options.send_high_water_mark = static_cast<int>(output.send_high_water_mark);
    config.options.insecure = output.insecure;
    auto link = BestEffortOutput::make(context_, config);
    if (!link) {
        return tl::unexpected(
            StartFailure{.exit_status = EX_UNAVAILABLE,
                         .text = to_line("output " + output.name + ": " + link.error())});
    }
    std::string endpoint = publishes ? (*link)->bound_endpoint() : output.endpoint;
    add(std::move(*link), std::move(endpoint));
    return {};
}

std::vector<std::string> NodeLinks::close_outputs() {
    routes_.clear();
    outputs_.clear();
    return {};
}

}  // namespace tamis::daemon
