#include "streams/connection_guard.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <zmq.h>

#include <algorithm>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kLookEveryNs = 2'000'000;
// A part's frame and, where the link has keys, its seal. More than the truth without keys; what is
// too much is forgotten at the next look.
constexpr std::uint64_t kFrameBytes = 42;
// Pings of the transport count as unread for ever: room for many hours of them.
constexpr std::uint64_t kPingBytes = std::uint64_t{256} << 10;
// ZeroMQ reads its connections in turn: who has a whole message is heard within so many parts.
constexpr std::uint64_t kTurnForEveryone = 4096;
// Whoever has less than this share of the limit is not to blame: after a connection has ended, what
// is left of it counts until all is read.
constexpr std::uint64_t kBlamelessShare = 8;

// Bytes that left the kernel's queue; none for what is no TCP connection any more.
std::uint64_t bytes_taken(int descriptor) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    int queued = 0;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        ioctl(descriptor, FIONREAD, &queued) != 0) {
        return 0;
    }
    const auto waiting = static_cast<std::uint64_t>(std::max(queued, 0));
    return info.tcpi_bytes_received - std::min<std::uint64_t>(waiting, info.tcpi_bytes_received);
}

}  // namespace

int ConnectionGuard::wanted_events() noexcept {
    return ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;
}

ConnectionGuard::ConnectionGuard(SocketMonitor& monitor, const Config& config)
    : monitor_(monitor), config_(config) {}

void ConnectionGuard::on_part(int descriptor, std::size_t bytes) noexcept {
    const auto place = static_cast<std::size_t>(std::max(descriptor, 0));
    const auto is_known = [&] {
        return place < connections_.size() && connections_[place].is_open;
    };
    if (!is_known()) {
        follow_events();
    }
    ++turns_;
    if (is_known()) {
        connections_[place].read += bytes + kFrameBytes;
        connections_[place].is_over = false;
    } else {
        departed_bytes_ -= std::min<std::uint64_t>(bytes, departed_bytes_);
    }
}

void ConnectionGuard::on_drained() noexcept {
    departed_bytes_ = 0;
    turns_ += kTurnForEveryone;
    if (has_suspects_) {
        follow_events();  // a descriptor may have another connection by now
        cut_endless();
    }
}

void ConnectionGuard::poll(std::uint64_t now_ns) noexcept {
    if (now_ns < looked_ns_ + kLookEveryNs) {
        return;
    }
    looked_ns_ = now_ns;
    follow_events();
    cut_endless();
    std::uint64_t unread = departed_bytes_;
    has_suspects_ = false;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        Connection& connection = connections_[i];
        if (!connection.is_open) {
            continue;
        }
        connection.taken = std::max(connection.taken, bytes_taken(static_cast<int>(i)));
        connection.read = std::min(connection.read, connection.taken);
        unread += connection.unread();
        if (connection.unread() <= config_.message_bytes + kPingBytes) {
            connection.is_over = false;
        } else if (!connection.is_over) {
            connection.is_over = true;
            connection.over_since = turns_;
        }
        has_suspects_ = has_suspects_ || connection.is_over;
    }
    if (unread > config_.unread_bytes) {
        cut_largest();
    }
}

// The value of these events is a descriptor.
void ConnectionGuard::follow_events() noexcept {
    while (const auto event = monitor_.next()) {
        if ((event->kind & wanted_events()) == 0) {
            continue;
        }
        const auto place = static_cast<std::size_t>(std::max(event->value, 0));
        if (place >= connections_.size()) {
            connections_.resize(place + 1);
        }
        end(connections_[place]);
        connections_[place].is_open = event->kind == ZMQ_EVENT_ACCEPTED;
    }
}

void ConnectionGuard::end(Connection& connection) noexcept {
    departed_bytes_ += connection.unread();
    connection = {};
}

// Who had more than one message can be, while since then everyone was heard but this one: what it
// had is no whole message.
void ConnectionGuard::cut_endless() noexcept {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (connections_[i].is_over && turns_ - connections_[i].over_since >= kTurnForEveryone) {
            cut(i);
        }
    }
}

// A reset, which unlike shutdown() empties the kernel's queue too. The library sees the connection
// end and drops what has come of an unfinished message; whole messages stay to be read.
void ConnectionGuard::cut(std::size_t descriptor) noexcept {
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    if (connect(static_cast<int>(descriptor), &nobody, sizeof nobody) == 0) {
        cut_connections_.fetch_add(1, std::memory_order_relaxed);
    }
    end(connections_[descriptor]);
}

void ConnectionGuard::cut_largest() noexcept {
    const auto largest = std::ranges::max_element(connections_, {}, &Connection::unread);
    if (largest != connections_.end() &&
        largest->unread() >= config_.unread_bytes / kBlamelessShare) {
        cut(static_cast<std::size_t>(largest - connections_.begin()));
    }
}

}  // namespace tamis::streams
