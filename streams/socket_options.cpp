#include "streams/socket_options.hpp"

#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <gsl/assert>
#include <span>
#include <string_view>
#include <variant>

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

// Of libzmq's draft interface, which zmq.h does not show, but 4.3 has: without it a domain with no
// handler admits anyone.
constexpr int kZapEnforceDomain = 93;

// What CURVE adds to a frame: "\7MESSAGE", the short nonce, the flags and the authenticator.
constexpr std::int64_t kSealBytes = 8 + 8 + 1 + 16;

struct BytesOption {
    int option;
    const char* name;
    std::string_view value;
};

std::string_view letters_of(const CurveKey& key) noexcept {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

tl::unexpected<std::string> option_mistake(const std::string& option) {
    return tl::unexpected(option + " (" + zmq_strerror(errno) + "); a libzmq of version 4.3");
}

tl::expected<void, std::string> set_ints(void* socket, std::span<const IntOption> table) {
    for (const IntOption& option : table) {
        if (zmq_setsockopt(socket, option.option, &option.value, sizeof(option.value)) != 0) {
            return option_mistake(std::string(option.name) + " = " + std::to_string(option.value));
        }
    }
    return {};
}

// Their values are not told: one of them is secret.
tl::expected<void, std::string> set_bytes(void* socket, std::span<const BytesOption> table) {
    for (const BytesOption& option : table) {
        if (zmq_setsockopt(socket, option.option, option.value.data(), option.value.size()) != 0) {
            return option_mistake(option.name);
        }
    }
    return {};
}

struct SecurityApplied {
    const std::string& zap_domain;
    void* socket;

    tl::expected<void, std::string> operator()(const std::monostate& /*none*/) const { return {}; }
    tl::expected<void, std::string> operator()(const CurveServer& server) const {
        Expects(!zap_domain.empty());
        const std::array<BytesOption, 2> keys{
            {{ZMQ_ZAP_DOMAIN, "ZMQ_ZAP_DOMAIN", zap_domain},
             {ZMQ_CURVE_SECRETKEY, "ZMQ_CURVE_SECRETKEY", letters_of(server.secret)}}};
        const std::array<IntOption, 2> role{{{kZapEnforceDomain, "ZMQ_ZAP_ENFORCE_DOMAIN", 1},
                                             {ZMQ_CURVE_SERVER, "ZMQ_CURVE_SERVER", 1}}};
        return set_bytes(socket, keys).and_then([&] { return set_ints(socket, role); });
    }
    tl::expected<void, std::string> operator()(const CurveClient& client) const {
        const CurveKey own = public_key_of(client.secret);
        const std::array<BytesOption, 3> keys{
            {{ZMQ_CURVE_SERVERKEY, "ZMQ_CURVE_SERVERKEY", letters_of(client.server)},
             {ZMQ_CURVE_PUBLICKEY, "ZMQ_CURVE_PUBLICKEY", letters_of(own)},
             {ZMQ_CURVE_SECRETKEY, "ZMQ_CURVE_SECRETKEY", letters_of(client.secret)}}};
        return set_bytes(socket, keys);
    }
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
    const bool has_keys = !std::holds_alternative<std::monostate>(options.security);
    if (has_keys && endpoint.transport != Transport::tcp) {
        return tl::unexpected("endpoint \"" + endpoint.text +
                              "\" (keys are for tcp:// alone); no keys, or a tcp:// endpoint");
    }
    if (!endpoint.is_local() && !has_keys && !options.insecure) {
        return tl::unexpected(
            "endpoint \"" + endpoint.text +
            "\" (reachable from outside this machine, without keys); keys, a loopback address, "
            "ipc://, or `insecure: true` if the network is trusted");
    }
    return {};
}

tl::expected<void, std::string> apply_socket_options(const SocketOptions& options,
                                                     const Endpoint& endpoint,
                                                     const std::string& zap_domain, void* socket) {
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
    if (auto set = set_ints(socket, table); !set) {
        return set;
    }
    const bool is_sealed = !std::holds_alternative<std::monostate>(options.security);
    const std::int64_t frame_bytes = options.max_message_bytes + (is_sealed ? kSealBytes : 0);
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof frame_bytes) != 0) {
        return option_mistake("ZMQ_MAXMSGSIZE = " + std::to_string(frame_bytes));
    }
    return std::visit(SecurityApplied{zap_domain, socket}, options.security);
}

}  // namespace tamis::streams
