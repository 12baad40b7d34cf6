#include "config/endpoint.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <utility>

#include "config/nearest_name.hpp"

namespace tamis::config {

namespace {

constexpr std::string_view kForms =
    "write tcp://HOST:PORT, ipc://PATH or inproc://NAME, for example \"tcp://127.0.0.1:5570\"";
constexpr std::size_t kMaxHostLength = 253;
constexpr std::size_t kMaxInprocLength = 255;

tl::unexpected<EndpointFault> fault(std::string problem, std::string remedy) {
    return tl::make_unexpected(EndpointFault{std::move(problem), std::move(remedy)});
}

bool is_ipv4(const std::string& text) {
    in_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& text) {
    in6_addr address{};
    return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_host_name(std::string_view text) {
    const auto allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
    };
    // What is all digits and dots was meant to be an address.
    const auto numeric = [](char c) {
        return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
    };
    return !text.empty() && text.size() <= kMaxHostLength && text.front() != '-' &&
           text.front() != '.' && std::all_of(text.begin(), text.end(), allowed) &&
           !std::all_of(text.begin(), text.end(), numeric);
}

tl::expected<Endpoint, EndpointFault> parse_tcp(std::string_view rest, EndpointSide side) {
    const std::size_t colon = rest.rfind(':');
    const bool bracket_after =
        colon != std::string_view::npos && rest.find(']', colon) != std::string_view::npos;
    if (colon == std::string_view::npos || bracket_after) {
        return fault("the endpoint has no port", "write tcp://HOST:PORT");
    }
    Endpoint endpoint;
    endpoint.transport = Transport::tcp;
    endpoint.host = rest.substr(0, colon);
    const std::string_view port = rest.substr(colon + 1);
    if (port == "*" && side == EndpointSide::bound) {
        endpoint.port = 0;
    } else {
        unsigned number = 0;
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
        if (error != std::errc() || end != port.data() + port.size() || number < 1 ||
            number > 65535) {
            return fault("the endpoint's port cannot be \"" + std::string(port) + '"',
                         side == EndpointSide::bound
                             ? "write a whole number from 1 to 65535, or * for any free port"
                             : "write a whole number from 1 to 65535");
        }
        endpoint.port = static_cast<std::uint16_t>(number);
    }

    std::string& host = endpoint.host;
    if (host == "*") {
        if (side == EndpointSide::connected) {
            return fault("the endpoint has no host to connect to (*)",
                         "write the address or name of the machine that receives");
        }
        endpoint.is_local = false;
        return endpoint;
    }
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    if (bracketed ? !is_ipv6(host) : !is_ipv4(host) && !is_host_name(host)) {
        return fault("the endpoint's host cannot be \"" + host + '"',
                     "write a host name, an IPv4 address, an IPv6 address in brackets, or * where "
                     "the node binds");
    }
    endpoint.is_local = host == "localhost" || is_loopback_address(host);
    return endpoint;
}

}  // namespace

bool is_loopback_address(const std::string& address) {
    in_addr v4{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24U == 127;
    }
    in6_addr v6{};
    return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

tl::expected<Endpoint, EndpointFault> parse_endpoint(std::string_view text, EndpointSide side) {
    const std::size_t mark = text.find("://");
    if (mark == std::string_view::npos) {
        return fault("the endpoint \"" + std::string(text) + "\" has no transport",
                     std::string(kForms));
    }
    const std::string_view scheme = text.substr(0, mark);
    const std::string_view rest = text.substr(mark + 3);
    if (scheme == "tcp") {
        return parse_tcp(rest, side);
    }
    Endpoint endpoint;
    endpoint.path = rest;
    std::size_t longest = kMaxInprocLength;
    if (scheme == "ipc") {
        endpoint.transport = Transport::ipc;
        longest = sizeof(sockaddr_un::sun_path) - 1;
    } else if (scheme == "inproc") {
        endpoint.transport = Transport::inproc;
    } else {
        constexpr auto kSchemes = std::to_array<std::string_view>({"tcp", "ipc", "inproc"});
        const auto nearest = nearest_name(scheme, kSchemes);
        return fault("the endpoint's transport cannot be \"" + std::string(scheme) + '"',
                     (nearest ? "did you mean " + std::string(*nearest) + "? (" : "(") +
                         std::string(kForms) + ')');
    }
    if (rest.empty() || rest.size() > longest) {
        return fault(rest.empty()
                         ? "the endpoint has nothing behind ://"
                         : "the endpoint's path has " + std::to_string(rest.size()) + " characters",
                     "write a path of 1 to " + std::to_string(longest) + " characters");
    }
    return endpoint;
}

}  // namespace tamis::config
