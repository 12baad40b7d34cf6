// What the library tells of a socket's connections, in order. A socket has one monitor: another one
// would silence it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "streams/failed_handshakes.hpp"
#include "streams/link_context.hpp"

namespace tamis::streams {

class SocketMonitor {
 public:
    // socket: a ZeroMQ handle, not yet bound or connected. events: of zmq_socket_monitor().
    // failed: of a link with keys; it hears of all that next() gives.
    SocketMonitor(LinkContext& context, void* socket, int events,
                  std::unique_ptr<FailedHandshakes> failed = nullptr) noexcept;
    ~SocketMonitor();
    SocketMonitor(const SocketMonitor&) = delete;
    SocketMonitor& operator=(const SocketMonitor&) = delete;

    struct Event {
        std::uint16_t kind = 0;
        std::int32_t value = 0;  // what it is depends on the kind
    };
    // None: nothing new, or the library has no monitor for this socket.
    [[nodiscard]] std::optional<Event> next() noexcept;

 private:
    void* socket_;
    void* events_ = nullptr;
    std::unique_ptr<FailedHandshakes> failed_;
};

}  // namespace tamis::streams
