#include "streams/link_monitor.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <zmq.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace tamis::streams {
namespace {

// Of an accepted connection that libzmq may have closed meanwhile; then empty.
std::string address_of(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    std::array<char, NI_MAXHOST> host{};
    if (getpeername(descriptor, generic, &size) != 0 ||
        getnameinfo(generic, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
        return {};
    }
    return host.data();
}

Refusal reason_of(std::uint32_t protocol_error) noexcept {
    if (protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
        return Refusal::not_curve;
    }
    return protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC ? Refusal::wrong_server_key
                                                                   : Refusal::unfinished;
}

}  // namespace

LinkMonitor::LinkMonitor(void* raw, std::string domain, Admission& admission)
    : raw_(raw), domain_(std::move(domain)), admission_(admission) {}

LinkMonitor::~LinkMonitor() { zmq_close(raw_); }

int LinkMonitor::wanted_events() noexcept {
    return ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
           ZMQ_EVENT_MONITOR_STOPPED;
}

// Events come as two parts: number and value, then the endpoint.
bool LinkMonitor::read() {
    std::array<char, 256> part{};
    while (zmq_recv(raw_, part.data(), part.size(), ZMQ_DONTWAIT) >= 0) {
        std::uint16_t event = 0;
        std::uint32_t value = 0;
        std::memcpy(&event, part.data(), sizeof event);
        std::memcpy(&value, part.data() + sizeof event, sizeof value);
        zmq_recv(raw_, part.data(), part.size(), ZMQ_DONTWAIT);
        if (event == ZMQ_EVENT_MONITOR_STOPPED) {
            return false;
        }
        on_event(event, value);
    }
    return true;
}

void LinkMonitor::on_event(std::uint16_t event, std::uint32_t value) {
    const int descriptor = static_cast<int>(value);
    switch (event) {
        case ZMQ_EVENT_ACCEPTED:
            addresses_[descriptor] = address_of(descriptor);
            return;
        // Its end is told next, with the descriptor.
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            count_failed({});
            failed_ = reason_of(value);
            return;
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            count_failed({});
            failed_ = Refusal::unfinished;
            return;
        case ZMQ_EVENT_DISCONNECTED:
            count_failed(addresses_[descriptor]);
            addresses_.erase(descriptor);
            return;
        default:
            return;
    }
}

void LinkMonitor::count_failed(const std::string& address) {
    if (failed_) {
        admission_.refuse(domain_, *failed_, address);
        failed_.reset();
    }
}

}  // namespace tamis::streams
