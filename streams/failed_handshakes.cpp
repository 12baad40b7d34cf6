#include "streams/failed_handshakes.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <zmq.h>

#include <array>
#include <cstdint>
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

Refusal reason_of(std::int32_t protocol_error) noexcept {
    if (protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
        return Refusal::not_curve;
    }
    return protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC ? Refusal::wrong_server_key
                                                                   : Refusal::unfinished;
}

}  // namespace

FailedHandshakes::FailedHandshakes(std::string domain, Admission& admission)
    : domain_(std::move(domain)), admission_(admission) {}

int FailedHandshakes::wanted_events() noexcept {
    return ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED;
}

void FailedHandshakes::on_event(std::uint16_t kind, std::int32_t value) {
    switch (kind) {
        case ZMQ_EVENT_ACCEPTED:
            addresses_[value] = address_of(value);
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
            count_failed(addresses_[value]);
            addresses_.erase(value);
            return;
        default:
            return;
    }
}

void FailedHandshakes::count_failed(const std::string& address) {
    if (failed_) {
        admission_.refuse(domain_, *failed_, address);
        failed_.reset();
    }
}

}  // namespace tamis::streams
