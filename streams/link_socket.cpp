#include "streams/link_socket.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <variant>

namespace tamis::streams {
namespace {

constexpr int kPresenceEvents = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
                                ZMQ_EVENT_CLOSED;

}  // namespace

tl::expected<std::unique_ptr<LinkSocket>, std::string> LinkSocket::make(LinkContext& context,
                                                                        const LinkConfig& config,
                                                                        int type) {
    const auto endpoint = parse_endpoint(config.endpoint, config.attachment);
    if (!endpoint) {
        return tl::unexpected(endpoint.error());
    }
    if (auto checked = check_socket_options(config.options, *endpoint); !checked) {
        return tl::unexpected(checked.error());
    }
    const auto* server = std::get_if<CurveServer>(&config.options.security);
    tl::expected<std::string, std::string> domain;
    if (server != nullptr) {
        domain = context.add_server(config.endpoint, server->peers);
    }
    if (!domain) {
        return tl::unexpected(domain.error());
    }
    void* raw = zmq_socket(context.native(), type);
    if (raw == nullptr) {
        return tl::unexpected("socket for \"" + config.endpoint + "\" (" + zmq_strerror(errno) +
                              "); fewer links, or a higher limit of open files");
    }
    auto socket = std::make_unique<LinkSocket>(raw);
    if (auto applied = apply_socket_options(config.options, *endpoint, *domain, raw); !applied) {
        return tl::unexpected(applied.error());
    }
    if (type == ZMQ_SUB) {
        zmq_setsockopt(raw, ZMQ_SUBSCRIBE, "", 0);
    }
    if (type == ZMQ_ROUTER) {
        const int mandatory = 1;  // an answer to a peer that has gone is refused, not swallowed
        zmq_setsockopt(raw, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    }
    socket->watch(context, config, endpoint->transport == Transport::tcp, type,
                  server == nullptr
                      ? nullptr
                      : std::make_unique<FailedHandshakes>(*domain, context.admission()));
    if (auto attached = socket->attach(config); !attached) {
        return tl::unexpected(attached.error());
    }
    if (server != nullptr) {
        context.admission().set_endpoint(*domain, socket->bound_endpoint());
    }
    return socket;
}

LinkSocket::LinkSocket(void* raw) : raw_(raw) { zmq_msg_init(&message_); }

LinkSocket::~LinkSocket() {
    zmq_msg_close(&message_);
    guard_.reset();
    monitor_.reset();
    zmq_close(raw_);
}

void LinkSocket::watch(LinkContext& context, const LinkConfig& config, bool is_tcp, int type,
                       std::unique_ptr<FailedHandshakes> failed) {
    const bool reads = type == ZMQ_PULL || type == ZMQ_ROUTER;
    const bool is_guarded = reads && is_tcp && config.attachment == Attachment::bind;
    const int events = is_guarded           ? ConnectionGuard::wanted_events()
                       : type == ZMQ_DEALER ? kPresenceEvents
                                            : 0;
    if (events != 0 || failed != nullptr) {
        monitor_ = std::make_unique<SocketMonitor>(context, raw_, events, std::move(failed));
    }
    if (is_guarded) {
        adds_address_ = type == ZMQ_ROUTER;
        guard_ = std::make_unique<ConnectionGuard>(
            *monitor_, ConnectionGuard::Config{.unread_bytes = config.options.unread_bytes,
                                               .message_bytes = static_cast<std::uint64_t>(
                                                   config.options.max_message_bytes)});
    }
}

bool LinkSocket::receive() noexcept {
    for (;;) {
        if (zmq_msg_recv(&message_, raw_, ZMQ_DONTWAIT) >= 0) {
            if (guard_ != nullptr) {
                on_part();
            }
            return true;
        }
        if (errno != EINTR) {
            if (guard_ != nullptr) {
                guard_->on_drained();
            }
            return false;
        }
    }
}

void LinkSocket::on_part() noexcept {
    const bool is_address = adds_address_ && !in_message_;
    in_message_ = has_more();
    if (!is_address) {
        guard_->on_part(zmq_msg_get(&message_, ZMQ_SRCFD), zmq_msg_size(&message_));
    }
}

void LinkSocket::guard(std::uint64_t now_ns) noexcept {
    if (guard_ != nullptr) {
        guard_->poll(now_ns);
        return;
    }
    while (monitor_ != nullptr && monitor_->next()) {
    }
}

SendResult LinkSocket::send(std::span<const std::byte> bytes, Part part) noexcept {
    const int flags = ZMQ_DONTWAIT | (part == Part::more ? ZMQ_SNDMORE : 0);
    for (;;) {
        if (zmq_send(raw_, bytes.data(), bytes.size(), flags) >= 0) {
            return SendResult::delivered;
        }
        if (errno == EAGAIN) {
            return SendResult::full;
        }
        if (errno != EINTR) {
            return SendResult::failed;
        }
    }
}

PeerPresence LinkSocket::presence() noexcept {
    while (const auto event = monitor_ == nullptr ? std::nullopt : monitor_->next()) {
        switch (event->kind) {
            case ZMQ_EVENT_CONNECTED:
                presence_ = std::max(presence_, PeerPresence::silent);
                break;
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
                presence_ = PeerPresence::connected;
                break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                handshake_failed_ = true;
                break;
            case ZMQ_EVENT_DISCONNECTED:
                // This side gives up a peer that says nothing; whether there is one, the next
                // attempt to connect shows.
                presence_ = std::exchange(handshake_failed_, false) ? PeerPresence::silent
                                                                    : PeerPresence::absent;
                break;
            case ZMQ_EVENT_CLOSED:  // an attempt to connect found nobody
                presence_ = PeerPresence::absent;
                break;
            default:
                break;
        }
    }
    return presence_;
}

void LinkSocket::reconnect(const LinkConfig& config) noexcept {
    zmq_disconnect(raw_, config.endpoint.c_str());
    zmq_connect(raw_, config.endpoint.c_str());
}

bool LinkSocket::wait(Event event, std::chrono::milliseconds timeout) noexcept {
    const short events = event == Event::readable ? ZMQ_POLLIN : ZMQ_POLLOUT;
    zmq_pollitem_t item{raw_, 0, events, 0};
    return zmq_poll(&item, 1, timeout.count()) > 0;
}

bool LinkSocket::wait_drained(std::chrono::milliseconds timeout) noexcept {
    pollfd drained{.fd = descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&drained, 1, static_cast<int>(timeout.count())) > 0;
}

int LinkSocket::descriptor() const noexcept {
    int descriptor = -1;
    std::size_t size = sizeof descriptor;
    return zmq_getsockopt(raw_, ZMQ_FD, &descriptor, &size) == 0 ? descriptor : -1;
}

std::string LinkSocket::bound_endpoint() const {
    std::array<char, 256> text{};
    std::size_t size = text.size();
    if (zmq_getsockopt(raw_, ZMQ_LAST_ENDPOINT, text.data(), &size) != 0) {
        return {};
    }
    return text.data();
}

tl::expected<void, std::string> LinkSocket::attach(const LinkConfig& config) {
    const bool binds = config.attachment == Attachment::bind;
    const char* endpoint = config.endpoint.c_str();
    if ((binds ? zmq_bind(raw_, endpoint) : zmq_connect(raw_, endpoint)) == 0) {
        return {};
    }
    const char* cure = !binds                ? "a name that resolves to an address"
                       : errno == EADDRINUSE ? "another port, or stop the one that has it"
                       : errno == ENOENT     ? "create the folder of the socket"
                                             : "an address of this machine that you may use";
    return tl::unexpected(std::string(binds ? "cannot bind \"" : "cannot connect \"") +
                          config.endpoint + "\" (" + zmq_strerror(errno) + "); " + cure);
}

}  // namespace tamis::streams
