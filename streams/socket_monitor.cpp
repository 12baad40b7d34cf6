#include "streams/socket_monitor.hpp"

#include <zmq.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

namespace tamis::streams {

SocketMonitor::SocketMonitor(LinkContext& context, void* socket, int events,
                             std::unique_ptr<FailedHandshakes> failed) noexcept
    : socket_(socket), failed_(std::move(failed)) {
    if (failed_ != nullptr) {
        events |= FailedHandshakes::wanted_events();
    }
    static std::atomic<std::uint64_t> count = 0;
    const std::string address = "inproc://monitor." + std::to_string(++count);
    if (zmq_socket_monitor(socket_, address.c_str(), events) != 0) {
        return;
    }
    events_ = zmq_socket(context.native(), ZMQ_PAIR);
    const int none = 0;
    zmq_setsockopt(events_, ZMQ_LINGER, &none, sizeof none);
    // No limit: the library's own thread would wait for room.
    zmq_setsockopt(events_, ZMQ_RCVHWM, &none, sizeof none);
    zmq_connect(events_, address.c_str());
}

SocketMonitor::~SocketMonitor() {
    if (events_ != nullptr) {
        zmq_socket_monitor(socket_, nullptr, 0);
        zmq_close(events_);
    }
}

// An event has two parts: kind and value, then the endpoint.
std::optional<SocketMonitor::Event> SocketMonitor::next() noexcept {
    std::array<char, 256> part{};
    if (events_ == nullptr || zmq_recv(events_, part.data(), part.size(), ZMQ_DONTWAIT) < 0) {
        return std::nullopt;
    }
    Event event;
    std::memcpy(&event.kind, part.data(), sizeof event.kind);
    std::memcpy(&event.value, part.data() + sizeof event.kind, sizeof event.value);
    zmq_recv(events_, part.data(), part.size(), ZMQ_DONTWAIT);
    if (failed_ != nullptr) {
        failed_->on_event(event.kind, event.value);
    }
    return event;
}

}  // namespace tamis::streams
