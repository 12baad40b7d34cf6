// How a source's fragments leave a command, by either delivery class (design 3.2). Waits as long as
// the node takes nothing; a stop signal ends the wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "daemon/commands/command.hpp"
#include "streams/best_effort_link.hpp"
#include "streams/curve_keys.hpp"
#include "streams/reliable/reliable_link.hpp"

namespace tamis::daemon {

struct SenderOptions {
    std::string connect;                   // endpoint of the node
    std::string delivery = "best_effort";  // or "reliable"
    std::string name;                      // of a reliable sender: the same after a restart
    streams::KeyFiles keys;
};

// --connect, --delivery, --name and those of keys. default_name is that of a reliable sender.
void add_sender_options(CLI::App& command, SenderOptions& options);

class FragmentSender {
 public:
    // sources: whose fragments it will send.
    [[nodiscard]] static tl::expected<FragmentSender, std::string> make(
        const SenderOptions& options, const std::string& default_name, std::uint64_t sources);

    // False when a stop signal came before it was taken, or the link is refused.
    [[nodiscard]] bool send(std::span<const std::byte> message);
    // The same without waiting; false when it is not taken now.
    [[nodiscard]] bool try_send(std::span<const std::byte> message);
    // Reliable: waits until the node has everything safely; false when a stop signal came before.
    [[nodiscard]] bool finish();
    // Time passes without a message: answers the node.
    void poll();

    // Reliable: fragments that will never be sent again; best effort: those handed over.
    [[nodiscard]] std::uint64_t safe_count() const noexcept;
    // Reliable: fragments that the node does not hold safely yet.
    [[nodiscard]] std::size_t unsafe_count() const noexcept;
    [[nodiscard]] bool is_refused() const noexcept;
    // Why send() or finish() said false.
    [[nodiscard]] std::string why() const;

 private:
    [[nodiscard]] bool send_within(std::span<const std::byte> message,
                                   std::chrono::milliseconds limit);
    FragmentSender() : links_(std::make_unique<streams::LinkContext>()) {}

    std::unique_ptr<streams::LinkContext> links_;  // before what uses it
    std::unique_ptr<streams::BestEffortSender> best_effort_;
    std::unique_ptr<streams::ReliableOutput> reliable_;
    std::string connect_;
    std::uint64_t handed_over_ = 0;
};

}  // namespace tamis::daemon
