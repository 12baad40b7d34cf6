// Hears of connections to one link that fail before a key is known: libzmq tells of them through a
// monitor of the socket alone, and drops them itself. Belongs to the thread of the ZAP handler.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "streams/admission.hpp"

namespace tamis::streams {

class LinkMonitor {
 public:
    // raw: a PAIR connected to the monitor; closed at the end.
    LinkMonitor(void* raw, std::string domain, Admission& admission);
    ~LinkMonitor();
    LinkMonitor(const LinkMonitor&) = delete;
    LinkMonitor& operator=(const LinkMonitor&) = delete;

    // What a monitor must be asked for.
    [[nodiscard]] static int wanted_events() noexcept;

    [[nodiscard]] void* raw() const noexcept { return raw_; }
    // Everything that has been told; false when the link has been closed.
    [[nodiscard]] bool read();

 private:
    // value: as ZeroMQ documents it, by event.
    void on_event(std::uint16_t event, std::uint32_t value);
    void count_failed(const std::string& address);

    void* raw_;
    std::string domain_;
    Admission& admission_;
    std::map<int, std::string> addresses_;  // of open connections, by descriptor
    std::optional<Refusal> failed_;         // the connection that is told to have ended next
};

}  // namespace tamis::streams
