#include "daemon/commands/fragment_sender.hpp"

#include <fmt/core.h>

#include <chrono>
#include <utility>

#include "daemon/commands/link_keys.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/steady_time.hpp"

namespace tamis::daemon {
namespace {

// So often a waiting sender looks for a stop signal.
constexpr std::chrono::milliseconds kPatience(200);

}  // namespace

void add_sender_options(CLI::App& command, SenderOptions& options) {
    command.add_option("--connect", options.connect, "Endpoint of a node to send to");
    command
        .add_option("--delivery", options.delivery,
                    "As the node's input: best_effort loses what is under way when a process dies; "
                    "reliable sends it again until it is safe")
        ->check(CLI::IsMember({"best_effort", "reliable"}))
        ->capture_default_str();
    command.add_option("--name", options.name,
                       "Name of a reliable sender, unlike any other's of the node");
    add_client_key_options(command, options.keys);
}

tl::expected<FragmentSender, std::string> FragmentSender::make(const SenderOptions& options,
                                                               const std::string& default_name,
                                                               std::uint64_t sources) {
    FragmentSender sender;
    sender.connect_ = options.connect;
    streams::LinkConfig link;
    link.endpoint = options.connect;
    link.attachment = streams::Attachment::connect;
    link.options.linger_ms = 5000;
    auto security = streams::read_link_security(options.keys, link.attachment);
    if (!security) {
        return tl::unexpected(security.error());
    }
    link.options.security = *std::move(security);
    if (options.delivery == "reliable") {
        link.options.linger_ms = 500;
        auto made = streams::ReliableOutput::make(
            *sender.links_, link, {.name = options.name.empty() ? default_name : options.name});
        if (!made) {
            return tl::unexpected(made.error());
        }
        sender.reliable_ = *std::move(made);
        sender.reliable_->set_width(sources);
        return sender;
    }
    auto made = streams::BestEffortSender::make(*sender.links_, link);
    if (!made) {
        return tl::unexpected(made.error());
    }
    sender.best_effort_ = *std::move(made);
    return sender;
}

bool FragmentSender::send_within(std::span<const std::byte> message,
                                 std::chrono::milliseconds limit) {
    const bool is_taken =
        reliable_ ? reliable_->send_within(message, limit)
                  : best_effort_->send(message, limit) == streams::SendResult::delivered;
    handed_over_ += is_taken ? 1 : 0;
    if (is_taken && reliable_) {
        reliable_->poll(steady_clock_ns());
    }
    return is_taken;
}

bool FragmentSender::send(std::span<const std::byte> message) {
    while (!send_within(message, kPatience)) {
        if (stop_requested() || is_refused()) {
            return false;
        }
    }
    return true;
}

bool FragmentSender::try_send(std::span<const std::byte> message) {
    return send_within(message, std::chrono::milliseconds(0));
}

void FragmentSender::poll() {
    if (reliable_) {
        reliable_->poll(steady_clock_ns());
    }
}

bool FragmentSender::finish() {
    if (!reliable_) {
        return true;
    }
    while (!reliable_->wait_durable(kPatience)) {
        if (stop_requested() || reliable_->sender().is_refused()) {
            return false;
        }
    }
    reliable_->close();
    return true;
}

std::uint64_t FragmentSender::safe_count() const noexcept {
    return reliable_ ? reliable_->durable_count() : handed_over_;
}

std::size_t FragmentSender::unsafe_count() const noexcept {
    return reliable_ ? reliable_->sender().unacknowledged() : 0;
}

bool FragmentSender::is_refused() const noexcept {
    return reliable_ && reliable_->sender().is_refused();
}

std::string FragmentSender::why() const {
    return is_refused() ? "another sender of the same name is connected to " + connect_ +
                              "; give each sender a --name of its own"
                        : fmt::format("{} took nothing before the stop signal", connect_);
}

}  // namespace tamis::daemon
