// A ZeroMQ socket with all its options, bound or connected: the inside of every link. One thread
// uses it; it may be made in another.
#pragma once

#include <zmq.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "streams/connection_guard.hpp"
#include "streams/event_output.hpp"
#include "streams/link_config.hpp"
#include "streams/link_context.hpp"
#include "streams/socket_monitor.hpp"

namespace tamis::streams {

// What is known of the peer of a connecting socket.
enum class PeerPresence : std::uint8_t {
    absent,     // it takes no connection, or has ended the one that was
    silent,     // its system takes connections, but the process does not answer: it stands still
    connected,  // handshake done
};

class LinkSocket {
 public:
    // type: of zmq_socket(). Or "what (why); what would be right".
    [[nodiscard]] static tl::expected<std::unique_ptr<LinkSocket>, std::string> make(
        LinkContext& context, const LinkConfig& config, int type);

    explicit LinkSocket(void* raw);
    ~LinkSocket();
    LinkSocket(const LinkSocket&) = delete;
    LinkSocket& operator=(const LinkSocket&) = delete;

    [[nodiscard]] void* raw() const noexcept { return raw_; }

    // The next part, valid until the next call; false when there is none.
    [[nodiscard]] bool receive() noexcept;
    // Of a bound socket: cuts off peers that take too much memory, and counts those that did not
    // get so far as to show a key. Call it at every turn.
    void guard(std::uint64_t now_ns) noexcept;
    // Any thread: how many.
    [[nodiscard]] std::uint64_t cut_connections() const noexcept {
        return guard_ == nullptr ? 0 : guard_->cut_connections();
    }
    [[nodiscard]] bool has_more() const noexcept { return zmq_msg_more(&message_) != 0; }
    [[nodiscard]] std::span<const std::byte> bytes() noexcept {
        return {static_cast<const std::byte*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
    }

    // more: another part of the same message follows.
    enum class Part : bool { last, more };
    [[nodiscard]] SendResult send(std::span<const std::byte> bytes,
                                  Part part = Part::last) noexcept;

    // Closes the connection to config.endpoint and makes a new one; connecting sockets only.
    void reconnect(const LinkConfig& config) noexcept;
    // Waits until a message can be read, or (sending) written, or the time is over.
    enum class Event : bool { readable, writable };
    [[nodiscard]] bool wait(Event event, std::chrono::milliseconds timeout) noexcept;
    // Waits until descriptor() is readable or the time is over: cheaper than wait(), but only after
    // a receive() that found nothing and before anything is sent.
    [[nodiscard]] bool wait_drained(std::chrono::milliseconds timeout) noexcept;
    // Of a connecting socket. Follows events of the library, in order.
    [[nodiscard]] PeerPresence presence() noexcept;
    // Turns readable when receive() may have something; -1: none.
    [[nodiscard]] int descriptor() const noexcept;
    // Where it is bound, with the port that the system chose.
    [[nodiscard]] std::string bound_endpoint() const;

 private:
    // Before the socket is attached.
    void watch(LinkContext& context, const LinkConfig& config, bool is_tcp, int type,
               std::unique_ptr<FailedHandshakes> failed);
    tl::expected<void, std::string> attach(const LinkConfig& config);
    void on_part() noexcept;

    void* raw_;
    std::unique_ptr<SocketMonitor> monitor_;
    std::unique_ptr<ConnectionGuard> guard_;
    bool adds_address_ = false;  // ROUTER: the first part of a message is not the peer's
    bool in_message_ = false;    // another part of it follows
    PeerPresence presence_ = PeerPresence::absent;
    bool handshake_failed_ = false;  // of a connection whose end has yet to be told
    zmq_msg_t message_{};
};

}  // namespace tamis::streams
