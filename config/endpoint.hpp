// The text of a link's endpoint (design 3.2), taken apart and judged. Cold path; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::config {

enum class Transport : std::uint8_t { tcp, ipc, inproc };

// Who opens the endpoint: a wildcard (*), for host or port, is for the side that binds.
enum class EndpointSide : std::uint8_t { bound, connected };

struct Endpoint {
    Transport transport = Transport::tcp;
    std::string host;        // tcp: a name, an address, an IPv6 address without its brackets, or *
    std::uint16_t port = 0;  // tcp: 1 to 65535; 0: any free one (* where bound)
    std::string path;        // ipc: of the socket's file; inproc: name
    bool is_local = true;    // only this machine can reach it
};

// What is wrong, and what would be right.
struct EndpointFault {
    std::string problem;
    std::string remedy;
};

[[nodiscard]] tl::expected<Endpoint, EndpointFault> parse_endpoint(std::string_view text,
                                                                   EndpointSide side);

// 127.0.0.0/8, ::1.
[[nodiscard]] bool is_loopback_address(const std::string& address);

}  // namespace tamis::config
