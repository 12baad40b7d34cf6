// Where a link goes: tcp://host:port, ipc:///path/of/socket or inproc://name; nothing else that
// ZeroMQ knows is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::streams {

enum class Transport : std::uint8_t { tcp, ipc, inproc };

// Who waits at the endpoint and who goes there.
enum class Attachment : std::uint8_t { bind, connect };

struct Endpoint {
    Transport transport = Transport::inproc;
    std::string text;        // as given
    std::string host;        // tcp only, without brackets; "*" = all interfaces
    std::uint16_t port = 0;  // tcp only; 0 = the system chooses one (bind only)

    // Nobody outside this machine reaches it: ipc, inproc, localhost, 127.0.0.0/8, ::1.
    [[nodiscard]] bool is_local() const noexcept;
};

// Or a message "what (why); what would be right".
[[nodiscard]] tl::expected<Endpoint, std::string> parse_endpoint(std::string_view text,
                                                                 Attachment attachment);

}  // namespace tamis::streams
