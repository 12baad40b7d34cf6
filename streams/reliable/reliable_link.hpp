// Reliable links (design 3.2) over ZeroMQ: DEALER to ROUTER. The protocol is in link_sender and
// link_receiver; here are the sockets. Each object belongs to one thread; it may be made in
// another.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/event_output.hpp"
#include "streams/fragment_input.hpp"
#include "streams/link_config.hpp"
#include "streams/link_context.hpp"
#include "streams/link_socket.hpp"
#include "streams/published_snapshot.hpp"
#include "streams/reliable/link_receiver.hpp"
#include "streams/reliable/link_sender.hpp"

namespace tamis::streams {

class ReliableInput final : public FragmentInput {
 public:
    // receiver.epoch 0: the wall clock's.
    [[nodiscard]] static tl::expected<std::unique_ptr<ReliableInput>, std::string> make(
        LinkContext& context, const LinkConfig& config, LinkReceiver::Config receiver);

    // What the sink does not hold is acknowledged at once.
    std::size_t poll(MessageSink& sink, std::uint64_t now_ns, std::size_t limit) noexcept override;
    void settle(Hold hold, LinkLevel level) noexcept override;
    [[nodiscard]] std::uint64_t heard_until(std::uint64_t now_ns) const noexcept override {
        return receiver_.heard_until(now_ns);
    }
    void stop() noexcept override { receiver_.stop(); }
    void flush(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] bool is_exhausted() const noexcept override { return false; }
    [[nodiscard]] int wait_descriptor() const noexcept override { return socket_->descriptor(); }
    [[nodiscard]] bool is_drained() const noexcept override { return is_drained_; }
    [[nodiscard]] bool wants_settling() const noexcept override { return true; }

    [[nodiscard]] const LinkReceiver& receiver() const noexcept { return receiver_; }
    // Any thread: as of the last poll that received something.
    [[nodiscard]] LinkReceiverCounters published_counters() const noexcept {
        return published_.read();
    }
    // Any thread: of peers that took too much memory.
    [[nodiscard]] std::uint64_t cut_connections() const noexcept {
        return socket_->cut_connections();
    }
    [[nodiscard]] std::string bound_endpoint() const { return socket_->bound_endpoint(); }
    // After a poll that found nothing: sleeps until a message may have come or the time is over;
    // true: look again.
    [[nodiscard]] bool wait(std::chrono::milliseconds timeout) noexcept {
        return socket_->wait_drained(timeout);
    }

 private:
    ReliableInput(std::unique_ptr<LinkSocket> socket, const LinkReceiver::Config& receiver);
    [[nodiscard]] bool receive_from(LinkReceiver::Peer& peer) noexcept;
    std::size_t receive(MessageSink& sink, std::uint64_t now_ns, std::size_t limit) noexcept;
    std::size_t answer(std::uint64_t now_ns) noexcept;
    void take_back(MessageSink& sink, const LinkReceiver::TakenBack& taken) noexcept;

    std::unique_ptr<LinkSocket> socket_;
    LinkReceiver receiver_;
    PublishedSnapshot<LinkReceiverCounters> published_;
    bool is_drained_ = false;
    std::uint64_t busy_since_ns_ = 0;  // messages have come in every poll; 0: not in the last
    // By hold: whose messages wait for it.
    std::vector<std::vector<LinkReceiver::Receipt>> waiting_;
};

class ReliableOutput final : public EventOutput {
 public:
    // sender.epoch 0: the wall clock's.
    [[nodiscard]] static tl::expected<std::unique_ptr<ReliableOutput>, std::string> make(
        LinkContext& context, const LinkConfig& config, LinkSender::Config sender);

    // Into the window, and out at once where there is credit; poll() sends the rest. full: the
    // window holds as much as it may; nothing is lost while the receiver is away.
    // failed: a later incarnation of the same name is connected.
    SendResult send(std::span<const std::byte> message, StreamMask streams,
                    std::uint64_t now_ns) noexcept override;
    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] std::uint64_t durable_count() const noexcept override {
        return sender_.levels().durable;
    }
    [[nodiscard]] int wait_descriptor() const noexcept override { return socket_->descriptor(); }

    void set_width(std::uint64_t width) noexcept { sender_.set_width(width); }
    // LinkSender::take_settled.
    template <class OnNumber>
    void take_settled(OnNumber on_number) {
        sender_.take_settled(on_number);
    }

    // For programs that do nothing else: send() that waits, and waiting until all is durable.
    // False when the time is over or the link is refused.
    [[nodiscard]] bool send_within(std::span<const std::byte> message,
                                   std::chrono::milliseconds timeout) noexcept;
    [[nodiscard]] bool wait_durable(std::chrono::milliseconds timeout) noexcept;
    // Says that nothing more will come: the receiver forgets this sender.
    void close() noexcept;

    [[nodiscard]] const LinkSender& sender() const noexcept { return sender_; }
    // The receiver has answered on this connection.
    [[nodiscard]] bool is_open() const noexcept { return sender_.is_open(); }
    // As the transport sees it: the receiver may stand still without being gone.
    [[nodiscard]] PeerPresence presence() const noexcept { return socket_->presence(); }
    [[nodiscard]] bool is_connected() const noexcept {
        return presence() == PeerPresence::connected;
    }

 private:
    ReliableOutput(std::unique_ptr<LinkSocket> socket, LinkConfig config,
                   const LinkSender::Config& sender);
    std::size_t transmit(std::uint64_t now_ns) noexcept;
    void wait_for_receiver(std::chrono::milliseconds limit) noexcept;

    std::unique_ptr<LinkSocket> socket_;
    LinkConfig config_;
    LinkSender sender_;
    bool has_begun_ = false;
};

}  // namespace tamis::streams
