// Connections to a link with keys that fail before a key is known: libzmq tells of them through the
// monitor of the socket alone, and drops them itself. Belongs to the thread of the socket.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "streams/admission.hpp"

namespace tamis::streams {

class FailedHandshakes {
 public:
    // domain: of the link, from Admission::add_link(). `admission` outlives it.
    FailedHandshakes(std::string domain, Admission& admission);

    // What zmq_socket_monitor() must be asked for.
    [[nodiscard]] static int wanted_events() noexcept;

    // Every event of the monitor, in order; others than the wanted ones change nothing.
    void on_event(std::uint16_t kind, std::int32_t value);

 private:
    void count_failed(const std::string& address);

    std::string domain_;
    Admission& admission_;
    std::map<int, std::string> addresses_;  // of open connections, by descriptor
    std::optional<Refusal> failed_;         // the connection that is told to have ended next
};

}  // namespace tamis::streams
