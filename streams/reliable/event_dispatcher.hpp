// Spreads events over nodes by reliable links: all fragments of an event go to one node, the one
// with the least to do when the first of them comes, so that a slow node holds no queue. What a
// dead node had not acknowledged goes to the others. Nodes may come and go. One thread.
//
// A node counts as dead when it takes no connection for `grace_ns`, or takes them and says nothing
// for `stall_ns`: one that only stands still for a while keeps its events. What a dead node decided
// and nobody heard of is void: on_reassigned() names those events. One that comes back after all
// forgets what it has in part only (PROTOCOL.md, senders that reassign).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/event_table.hpp"
#include "streams/fragment_input.hpp"
#include "streams/reliable/reliable_link.hpp"

namespace tamis::streams {

class EventDispatcher final : public MessageSink {
 public:
    struct Config {
        std::string name;                        // of this sender, to every node
        std::uint64_t grace_ns = 2'000'000'000;  // a node that dies has so long to come back
        std::uint64_t stall_ns = 5'000'000'000;  // one that stands still, to go on
        std::size_t window_messages = 65536;     // for each node
        std::size_t window_bytes = std::size_t{256} << 20;
        std::size_t remembered_events = std::size_t{1} << 20U;  // whose node is known
        std::size_t message_bytes = std::size_t{8} << 20;       // the largest fragment
        SocketOptions options;
    };
    struct Listener {
        // A message that on_message() took is safe, or was none.
        std::function<void(Hold)> on_safe;
        // An event goes to another node than before.
        std::function<void(const EventKey&, const std::string& from, const std::string& to)>
            on_reassigned;
    };

    EventDispatcher(LinkContext& context, Config config, Listener listener);
    ~EventDispatcher() override;

    // A node begins to get events when it answers. Errors: no such endpoint.
    [[nodiscard]] tl::expected<void, std::string> add_node(const std::string& endpoint);
    // It gets no more events and is left when it has acknowledged those that it has.
    void remove_node(const std::string& endpoint) noexcept;

    // How many sources it serves: nodes grant so many windows.
    void set_width(std::uint64_t sources) noexcept;

    [[nodiscard]] bool is_ready() const noexcept override;
    Hold on_message(std::span<const std::byte> message, std::uint64_t now_ns) noexcept override;
    void on_refused(std::uint64_t now_ns) noexcept override;
    // Sends, hears, re-assigns; returns the work done.
    std::size_t poll(std::uint64_t now_ns) noexcept;

    [[nodiscard]] std::size_t unacknowledged() const noexcept;
    struct NodeState {
        std::string endpoint;
        bool is_there = false;
        std::uint64_t fragments = 0;  // that it has acknowledged
        std::size_t unacknowledged = 0;
    };
    [[nodiscard]] std::vector<NodeState> nodes() const;
    [[nodiscard]] std::uint64_t reassigned_fragments() const noexcept { return reassigned_; }
    [[nodiscard]] std::uint64_t late() const noexcept { return late_; }
    [[nodiscard]] std::uint64_t malformed() const noexcept { return malformed_; }

 private:
    struct Node;
    [[nodiscard]] tl::expected<std::unique_ptr<ReliableOutput>, std::string> connect(
        const std::string& endpoint);
    [[nodiscard]] std::uint32_t node_of(const EventKey& key) noexcept;
    [[nodiscard]] std::uint32_t choose() const noexcept;
    void hand_to(std::uint32_t node, const EventKey& key, std::span<const std::byte> message,
                 Hold hold, std::uint64_t now_ns) noexcept;
    void remember(const EventKey& key, std::uint32_t node) noexcept;
    [[nodiscard]] bool has_ended(const EventKey& key) const noexcept;
    void take_safe(Node& node, std::uint64_t now_ns) noexcept;
    [[nodiscard]] bool is_dead(const Node& node, std::uint64_t now_ns) const noexcept;
    void reassign(std::uint32_t dead) noexcept;
    void move_orphans(std::uint64_t now_ns) noexcept;

    LinkContext& context_;
    Config config_;
    Listener listener_;
    std::vector<std::unique_ptr<Node>> nodes_;  // places stay, so that numbers do
    struct Orphans;
    std::deque<Orphans> orphans_;  // of dead nodes, on their way to others
    EventTable table_;             // event to node
    std::vector<EventKey> order_;  // a ring of the remembered
    std::size_t next_ = 0;
    std::uint64_t width_ = 1;
    Hold next_hold_ = 0;
    std::uint64_t reassigned_ = 0;
    std::uint64_t malformed_ = 0;
    std::uint64_t late_ = 0;
};

}  // namespace tamis::streams
