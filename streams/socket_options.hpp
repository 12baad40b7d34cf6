// Every option of every ZeroMQ socket, explicit and in one place: the defaults of the library are
// made for other uses (no size limit, endless linger, no heartbeat). Values and the measurements
// behind them: streams/README.md, Decisions.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "streams/curve_keys.hpp"
#include "streams/endpoint.hpp"

namespace tamis::streams {

struct SocketOptions {
    // Messages queued per peer, on each side; not a bound in bytes.
    int send_high_water_mark = 1000;     // 1 .. 10^6
    int receive_high_water_mark = 1000;  // 1 .. 10^6
    // A peer that announces a larger frame is cut off before anything is allocated. Above the
    // builder's own limit, so that moderate excess is counted there as oversize.
    std::int64_t max_message_bytes = std::int64_t{8} << 20;  // 1 .. 2^30
    // Of a reader that is bound, at TCP: what all peers together may have sent that is not yet
    // read. Beyond it the one that has most is cut off. At least the longest message.
    std::uint64_t unread_bytes = std::uint64_t{1} << 30;
    int linger_ms = 500;      // how long a closing socket tries to send what it has
    int handshake_ms = 1000;  // a peer that says nothing is dropped; at most 1000
    // 0: none. A reader under back pressure does not answer pings, so its sender would take it for
    // dead; and libzmq 4.3.4 stops the whole process when a ping is due on a connection that ended
    // while its input was held back. Dead peers are seen by TCP's own keep-alive.
    int heartbeat_interval_ms = 0;
    int heartbeat_timeout_ms = 0;
    int reconnect_ms = 100;  // doubles up to
    int reconnect_max_ms = 2000;
    int send_buffer_bytes = 1 << 20;  // of the kernel
    int receive_buffer_bytes = 1 << 20;
    int backlog = 100;  // connections not yet accepted
    // Allows an endpoint outside this machine without keys: anyone who reaches the port can send.
    bool insecure = false;
    // tcp only. Encrypts, and each side knows the other by its key. The side that binds is the
    // server.
    LinkSecurity security = {};
};

// What is wrong with the values, or with the endpoint for which they are meant.
[[nodiscard]] tl::expected<void, std::string> check_socket_options(const SocketOptions& options,
                                                                   const Endpoint& endpoint);

// socket: a ZeroMQ handle that is neither bound nor connected. IPv6 is switched on for an endpoint
// that is an IPv6 address; all others are IPv4. zap_domain: under which the ZAP handler knows a
// socket with the keys of a server; without one libzmq would admit anyone.
[[nodiscard]] tl::expected<void, std::string> apply_socket_options(const SocketOptions& options,
                                                                   const Endpoint& endpoint,
                                                                   const std::string& zap_domain,
                                                                   void* socket);

}  // namespace tamis::streams
