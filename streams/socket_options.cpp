#include "streams/socket_options.hpp"

#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace tamis::streams {
namespace {

struct Range {
    const char* name;
    std::int64_t value;
    std::int64_t lowest;
    std::int64_t highest;
};

struct IntOption {
    int option;
    const char* name;
    int value;
};

}  // namespace

tl::expected<void, std::string> check_socket_options(const SocketOptions& options,
                                                     const Endpoint& endpoint) {
    constexpr std::int64_t kLongMs = 60'000;
    constexpr std::int64_t kLargeBuffer = std::int64_t{1} << 28;
    const std::array<Range, 13> ranges{{
        {"send_high_water_mark", options.send_high_water_mark, 1, 1'000'000},
        {"receive_high_water_mark", options.receive_high_water_mark, 1, 1'000'000},
        {"max_message_bytes", options.max_message_bytes, 1, std::int64_t{1} << 30},
        {"unread_bytes", static_cast<std::int64_t>(options.unread_bytes), options.max_message_bytes,
         std::int64_t{1} << 40},
        {"linger_ms", options.linger_ms, 0, kLongMs},
        {"handshake_ms", options.handshake_ms, 1, 1000},
        {"heartbeat_interval_ms", options.heartbeat_interval_ms, 0, kLongMs},
        {"heartbeat_timeout_ms", options.heartbeat_timeout_ms, options.heartbeat_interval_ms,
         kLongMs},
        {"reconnect_ms", options.reconnect_ms, 1, kLongMs},
        {"reconnect_max_ms", options.reconnect_max_ms, options.reconnect_ms, kLongMs},
        {"send_buffer_bytes", options.send_buffer_bytes, 1024, kLargeBuffer},
        {"receive_buffer_bytes", options.receive_buffer_bytes, 1024, kLargeBuffer},
        {"backlog", options.backlog, 1, 4096},
    }};
    for (const Range& range : ranges) {
        if (range.value < range.lowest || range.value > range.highest) {
            return tl::unexpected(std::string(range.name) + " " + std::to_string(range.value) +
                                  " (out of range); a value from " + std::to_string(range.lowest) +
                                  " to " + std::to_string(range.highest));
        }
    }
    if (!endpoint.is_local() && !options.insecure) {
        return tl::unexpected(
            "endpoint \"" + endpoint.text +
            "\" (reachable from outside this machine, without keys); a loopback address, ipc://, "
            "or `insecure: true` if the network is trusted");
    }
    return {};
}

tl::expected<void, std::string> apply_socket_options(const SocketOptions& options,
                                                     const Endpoint& endpoint, void* socket) {
    const std::array<IntOption, 24> table{{
        {ZMQ_SNDHWM, "ZMQ_SNDHWM", options.send_high_water_mark},
        {ZMQ_RCVHWM, "ZMQ_RCVHWM", options.receive_high_water_mark},
        {ZMQ_LINGER, "ZMQ_LINGER", options.linger_ms},
        {ZMQ_HANDSHAKE_IVL, "ZMQ_HANDSHAKE_IVL", options.handshake_ms},
        {ZMQ_HEARTBEAT_IVL, "ZMQ_HEARTBEAT_IVL", options.heartbeat_interval_ms},
        {ZMQ_HEARTBEAT_TIMEOUT, "ZMQ_HEARTBEAT_TIMEOUT", options.heartbeat_timeout_ms},
        // The peer drops us after the same silence; in units of 100 ms.
        {ZMQ_HEARTBEAT_TTL, "ZMQ_HEARTBEAT_TTL", options.heartbeat_timeout_ms},
        {ZMQ_RECONNECT_IVL, "ZMQ_RECONNECT_IVL", options.reconnect_ms},
        {ZMQ_RECONNECT_IVL_MAX, "ZMQ_RECONNECT_IVL_MAX", options.reconnect_max_ms},
        {ZMQ_CONNECT_TIMEOUT, "ZMQ_CONNECT_TIMEOUT", options.reconnect_max_ms},
        {ZMQ_SNDBUF, "ZMQ_SNDBUF", options.send_buffer_bytes},
        {ZMQ_RCVBUF, "ZMQ_RCVBUF", options.receive_buffer_bytes},
        {ZMQ_BACKLOG, "ZMQ_BACKLOG", options.backlog},
        // Queues only to peers that are there: a message for nobody is refused, not kept.
        {ZMQ_IMMEDIATE, "ZMQ_IMMEDIATE", 1},
        // The callers never block inside the library; whoever waits polls with a limit.
        {ZMQ_SNDTIMEO, "ZMQ_SNDTIMEO", 0},
        {ZMQ_RCVTIMEO, "ZMQ_RCVTIMEO", 0},
        {ZMQ_IPV6, "ZMQ_IPV6", endpoint.host.find(':') != std::string::npos ? 1 : 0},
        {ZMQ_TCP_KEEPALIVE, "ZMQ_TCP_KEEPALIVE", 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, "ZMQ_TCP_KEEPALIVE_IDLE", 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, "ZMQ_TCP_KEEPALIVE_INTVL", 10},
        {ZMQ_TCP_KEEPALIVE_CNT, "ZMQ_TCP_KEEPALIVE_CNT", 3},
        {ZMQ_TCP_MAXRT, "ZMQ_TCP_MAXRT", 10'000},
        {ZMQ_TOS, "ZMQ_TOS", 0},
        {ZMQ_CONFLATE, "ZMQ_CONFLATE", 0},
    }};
    for (const IntOption& option : table) {
        if (zmq_setsockopt(socket, option.option, &option.value, sizeof(option.value)) != 0) {
            return tl::unexpected(std::string(option.name) + " = " + std::to_string(option.value) +
                                  " (" + zmq_strerror(errno) + "); a libzmq of version 4.3");
        }
    }
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &options.max_message_bytes,
                       sizeof(options.max_message_bytes)) != 0) {
        return tl::unexpected("ZMQ_MAXMSGSIZE = " + std::to_string(options.max_message_bytes) +
                              " (" + zmq_strerror(errno) + "); a libzmq of version 4.3");
    }
    return {};
}

}  // namespace tamis::streams
