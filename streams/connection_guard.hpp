// What the peers of one bound TCP socket have sent and its owner has not yet read. ZeroMQ counts
// messages, and those only when they are whole: an endless message of several parts, or a thousand
// large ones, would take all memory. Cut off are a peer whose message is longer than any may be,
// and, beyond a limit in bytes for all peers together, the one that has most.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "streams/socket_monitor.hpp"

namespace tamis::streams {

// The thread of the socket only. Unix sockets do not tell what they have received: not for them.
class ConnectionGuard {
 public:
    struct Config {
        std::uint64_t unread_bytes = 0;   // in all connections together
        std::uint64_t message_bytes = 0;  // of the longest message
    };

    // What its monitor must tell of.
    [[nodiscard]] static int wanted_events() noexcept;
    // monitor: of a socket that is not yet bound; outlives it, and nobody else reads it.
    ConnectionGuard(SocketMonitor& monitor, const Config& config);

    // The owner has read a part of so many bytes; descriptor: ZMQ_SRCFD of the part.
    void on_part(int descriptor, std::size_t bytes) noexcept;
    // The owner has found no whole message to read.
    void on_drained() noexcept;
    // Looks at the connections, every few milliseconds at most.
    void poll(std::uint64_t now_ns) noexcept;

    // Any thread.
    [[nodiscard]] std::uint64_t cut_connections() const noexcept {
        return cut_connections_.load(std::memory_order_relaxed);
    }

 private:
    struct Connection {
        bool is_open = false;
        bool is_over = false;          // it had more unread than one message, at the last look
        std::uint64_t taken = 0;       // bytes that the library has read from the kernel
        std::uint64_t read = 0;        // those of messages that the owner has read
        std::uint64_t over_since = 0;  // turns_ then

        [[nodiscard]] std::uint64_t unread() const noexcept {
            return taken > read ? taken - read : 0;
        }
    };

    void follow_events() noexcept;
    void end(Connection& connection) noexcept;
    void cut_endless() noexcept;
    void cut(std::size_t descriptor) noexcept;
    void cut_largest() noexcept;

    SocketMonitor& monitor_;
    Config config_;
    std::uint64_t looked_ns_ = 0;
    std::vector<Connection> connections_;  // by descriptor
    bool has_suspects_ = false;            // one of them is over
    std::uint64_t departed_bytes_ = 0;     // unread, of connections that have ended
    std::uint64_t turns_ = 0;              // parts read; a drained socket had a turn for everyone
    std::atomic<std::uint64_t> cut_connections_ = 0;
};

}  // namespace tamis::streams
