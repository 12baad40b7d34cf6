// tamis dispatch: stands between the sources of a run and its nodes. All fragments of an event go
// to one node, by credit; nodes may come, go and die.
#include <fmt/core.h>
#include <poll.h>
#include <sysexits.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/link_keys.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/steady_time.hpp"
#include "streams/curve_keys.hpp"
#include "streams/reliable/event_dispatcher.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {

namespace {

struct DispatchOptions {
    std::string bind;
    std::vector<std::string> nodes;
    std::filesystem::path node_file;
    std::filesystem::path log;
    std::filesystem::path ready_file;
    std::string name = "dispatch";
    double grace_s = 2;
    double stall_s = 5;
    std::size_t window = 2048;
    bool insecure = false;
    streams::KeyFiles keys;
};

// Endpoints, one a line, read again when the file changes.
class NodeFile {
 public:
    explicit NodeFile(std::filesystem::path file) : file_(std::move(file)) {}

    // The new list where it differs from the last one.
    std::optional<std::set<std::string>> changed() {
        std::ifstream lines(file_);
        std::set<std::string> now;
        for (std::string line; std::getline(lines, line);) {
            if (!line.empty() && line.front() != '#') {
                now.insert(line);
            }
        }
        if (now == known_) {
            return std::nullopt;
        }
        known_ = now;
        return now;
    }

 private:
    std::filesystem::path file_;
    std::set<std::string> known_;
};

// One line of JSON for each event that went to another node.
class ReassignmentLog {
 public:
    explicit ReassignmentLog(const std::filesystem::path& file) {
        if (!file.empty()) {
            stream_.open(file, std::ios::app);
        }
    }
    void write(const streams::EventKey& key, const std::string& from, const std::string& to) {
        ++events_;
        if (stream_.is_open()) {
            stream_ << nlohmann::ordered_json{{"run", key.run},
                                              {"event", key.event},
                                              {"from", from},
                                              {"to", to}}
                           .dump()
                    << '\n'
                    << std::flush;
        }
    }
    [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
    std::ofstream stream_;
    std::uint64_t events_ = 0;
};

class Dispatch {
 public:
    Dispatch(const DispatchOptions& options, streams::LinkContext& links,
             std::unique_ptr<streams::ReliableInput> input, streams::SocketOptions to_nodes)
        : input_(std::move(input)),
          log_(options.log),
          node_file_(options.node_file),
          dispatcher_(
              links,
              {.name = options.name,
               .grace_ns = static_cast<std::uint64_t>(options.grace_s * 1e9),
               .stall_ns = static_cast<std::uint64_t>(options.stall_s * 1e9),
               .options = std::move(to_nodes)},
              {.on_safe =
                   [this](streams::Hold hold) {
                       input_->settle(hold, streams::LinkLevel::durable);
                   },
               .on_reassigned = [this](const streams::EventKey& key, const std::string& from,
                                       const std::string& to) { log_.write(key, from, to); }}) {}

    tl::expected<void, std::string> add(const std::vector<std::string>& nodes) {
        for (const std::string& node : nodes) {
            if (auto added = dispatcher_.add_node(node); !added) {
                return added;
            }
        }
        return {};
    }

    void run() {
        constexpr std::size_t kMessagesPerPoll = 256;
        bool stopping = false;
        while (!stopping || dispatcher_.unacknowledged() > 0) {
            const std::uint64_t now = steady_clock_ns();
            look_at_node_file(now);
            dispatcher_.set_width(std::max<std::uint64_t>(1, input_->receiver().width()));
            std::size_t work = dispatcher_.poll(now);
            work += input_->poll(dispatcher_, now, stopping ? 0 : kMessagesPerPoll);
            if (stop_requested() && !stopping) {
                stopping = true;
                stop_ns_ = now;
                input_->stop();
            }
            if (stopping && now > stop_ns_ + kPatienceNs) {
                break;
            }
            if (work == 0) {
                pollfd ready{.fd = input_->wait_descriptor(), .events = POLLIN, .revents = 0};
                ::poll(&ready, 1, 1);
            }
        }
        input_->flush(steady_clock_ns());
    }

    void print() const {
        for (const auto& node : dispatcher_.nodes()) {
            fmt::print("{}: {} fragments{}\n", node.endpoint, node.fragments,
                       node.is_there ? "" : " (away)");
        }
        fmt::print("{} events re-assigned ({} fragments), {} malformed, {} left behind\n",
                   log_.events(), dispatcher_.reassigned_fragments(), dispatcher_.malformed(),
                   dispatcher_.unacknowledged());
    }
    [[nodiscard]] bool is_done() const { return dispatcher_.unacknowledged() == 0; }

 private:
    static constexpr std::uint64_t kPatienceNs = 10'000'000'000;
    static constexpr std::uint64_t kLookNs = 200'000'000;

    void look_at_node_file(std::uint64_t now) {
        if (now < looked_ns_ + kLookNs) {
            return;
        }
        looked_ns_ = now;
        const auto listed = node_file_.changed();
        if (!listed) {
            return;
        }
        for (const auto& node : dispatcher_.nodes()) {
            if (!listed->contains(node.endpoint)) {
                dispatcher_.remove_node(node.endpoint);
            }
        }
        for (const std::string& endpoint : *listed) {
            if (const auto added = dispatcher_.add_node(endpoint); !added) {
                fmt::print(stderr, "tamis: {}\n", added.error());
            }
        }
    }

    std::unique_ptr<streams::ReliableInput> input_;
    ReassignmentLog log_;
    NodeFile node_file_;
    streams::EventDispatcher dispatcher_;
    std::uint64_t looked_ns_ = 0;
    std::uint64_t stop_ns_ = 0;
};

// Either side may have keys without the other.
tl::expected<void, std::string> read_keys(const streams::KeyFiles& files,
                                          streams::SocketOptions& to_sources,
                                          streams::SocketOptions& to_nodes) {
    const auto read = [&](const std::filesystem::path& others, streams::Attachment attachment,
                          streams::SocketOptions& options) -> tl::expected<void, std::string> {
        if (others.empty()) {
            return {};
        }
        return streams::read_link_security(files, attachment)
            .map([&](streams::LinkSecurity&& security) { options.security = std::move(security); });
    };
    if (!files.secret_key.empty() && files.peer_keys.empty() && files.server_key.empty()) {
        return tl::unexpected(
            std::string("--secret-key alone (for which side?); --peer-keys for sources, "
                        "--server-key for nodes"));
    }
    return read(files.peer_keys, streams::Attachment::bind, to_sources).and_then([&] {
        return read(files.server_key, streams::Attachment::connect, to_nodes);
    });
}

ExitStatus dispatch(const DispatchOptions& options) {
    if (options.nodes.empty() == options.node_file.empty()) {
        return fail(EX_USAGE, "say where the nodes are: either --node or --node-file");
    }
    catch_stop_signals();
    streams::LinkContext links;
    streams::LinkConfig link;
    link.endpoint = options.bind;
    link.options.insecure = options.insecure;
    streams::SocketOptions to_nodes = link.options;
    if (const auto read = read_keys(options.keys, link.options, to_nodes); !read) {
        return fail(EX_UNAVAILABLE, read.error());
    }
    auto input =
        streams::ReliableInput::make(links, link, {.window = {.messages = options.window}});
    if (!input) {
        return fail(EX_UNAVAILABLE, input.error());
    }
    const std::string endpoint = (*input)->bound_endpoint();
    Dispatch dispatch(options, links, *std::move(input), std::move(to_nodes));
    if (const auto added = dispatch.add(options.nodes); !added) {
        return fail(EX_UNAVAILABLE, added.error());
    }
    if (!options.ready_file.empty()) {
        const auto ready = streams::write_whole_file(
            options.ready_file, fmt::format("{{\"endpoint\": \"{}\"}}\n", endpoint));
        if (!ready) {
            return fail(EX_IOERR, ready.error());
        }
    }
    fmt::print(stderr, "dispatching what arrives at {}\n", endpoint);
    dispatch.run();
    dispatch.print();
    return dispatch.is_done() ? EX_OK
                              : fail(EX_UNAVAILABLE,
                                     "not every node has acknowledged what it got; "
                                     "the sources keep it and send it again");
}

}  // namespace

void add_dispatch(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("dispatch", "Spread the events of reliable sources over nodes");
    auto options = std::make_shared<DispatchOptions>();
    command->add_option("--bind", options->bind, "Endpoint to which the sources connect")
        ->required();
    command->add_option(
        "--node", options->nodes,
        "Endpoints of the nodes' inputs (delivery: RELIABLE); they may start later");
    command
        ->add_option("--node-file", options->node_file,
                     "Their endpoints, one a line, instead; read again when it changes, so that "
                     "nodes join and leave")
        ->check(CLI::ExistingFile);
    command
        ->add_option("--grace", options->grace_s,
                     "Seconds that a node that takes no connection has to come back before the "
                     "others get its events")
        ->check(CLI::Range(0.0, 3600.0))
        ->capture_default_str();
    command
        ->add_option("--stall", options->stall_s,
                     "Seconds that a node that is there but stands still has to go on")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    command
        ->add_option("--window", options->window,
                     "Messages of a source under way; at most half of the nodes' pool_events")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    command->add_option("--log", options->log,
                        "Append the events that went to another node: tamis audit reads it");
    command->add_option("--name", options->name, "Of this dispatcher, to the nodes")
        ->capture_default_str();
    command->add_flag("--insecure", options->insecure,
                      "Allow endpoints that other machines can reach, without keys");
    add_server_key_options(*command, options->keys);
    add_client_key_options(*command, options->keys);
    command->add_option("--ready-file", options->ready_file,
                        "Written, with the endpoint, when it listens");
    command->footer(
        "Ends on SIGINT or SIGTERM, when every node has acknowledged what it got.\nExample:\n  "
        "tamis dispatch --bind tcp://127.0.0.1:5500 --node tcp://127.0.0.1:5501 "
        "tcp://127.0.0.1:5502");
    command->callback([options, &status] { status = dispatch(*options); });
}

}  // namespace tamis::daemon
