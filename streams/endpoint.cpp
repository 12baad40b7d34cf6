#include "streams/endpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tamis::streams {
namespace {

using Parsed = tl::expected<Endpoint, std::string>;

constexpr std::size_t kLongestIpcPath = 107;  // sockaddr_un::sun_path without its final zero

Parsed mistake(std::string_view text, std::string_view why, std::string_view cure) {
    return tl::unexpected("endpoint \"" + std::string(text) + "\" (" + std::string(why) + "); " +
                          std::string(cure));
}

std::optional<std::uint32_t> number(std::string_view digits, std::uint32_t largest) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() ||
        value > largest) {
        return std::nullopt;
    }
    return value;
}

// The first byte of a dotted IPv4 address; nothing for any other text.
std::optional<std::uint32_t> first_ipv4_byte(std::string_view host) {
    std::optional<std::uint32_t> first;
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = host.find('.');
        if ((dot == std::string_view::npos) != (part == 3)) {
            return std::nullopt;
        }
        const auto value = number(host.substr(0, dot), 255);
        if (!value) {
            return std::nullopt;
        }
        first = part == 0 ? value : first;
        host.remove_prefix(dot == std::string_view::npos ? host.size() : dot + 1);
    }
    return first;
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

bool is_ipv6_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.';
}

Parsed parse_tcp(std::string_view text, std::string_view address, Attachment attachment) {
    constexpr std::string_view kForm = "write tcp://HOST:PORT, as in tcp://127.0.0.1:5600";
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return mistake(text, "no port", kForm);
    }
    std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (!std::ranges::all_of(host, is_ipv6_character)) {
            return mistake(text, "not an IPv6 address in the brackets", kForm);
        }
    } else if (host != "*" && !std::ranges::all_of(host, is_host_character)) {
        return mistake(text, "the host is no name and no address",
                       "write a name, an IPv4 address, or an IPv6 address in brackets");
    }
    Endpoint endpoint{Transport::tcp, std::string(text), std::string(host), 0};
    const bool system_chooses = port == "*" || port == "0";
    if (attachment == Attachment::connect && (system_chooses || host == "*")) {
        return mistake(text, "one can bind to * but not connect to it", kForm);
    }
    if (!system_chooses) {
        const auto value = number(port, 65535);
        if (!value) {
            return mistake(text, "the port is not a number from 1 to 65535", kForm);
        }
        endpoint.port = static_cast<std::uint16_t>(*value);
    }
    return endpoint;
}

}  // namespace

bool Endpoint::is_local() const noexcept {
    if (transport != Transport::tcp) {
        return true;
    }
    return host == "localhost" || host == "::1" || first_ipv4_byte(host) == 127U;
}

Parsed parse_endpoint(std::string_view text, Attachment attachment) {
    constexpr std::string_view kForms =
        "write tcp://HOST:PORT, ipc:///PATH/OF/SOCKET or inproc://NAME";
    const std::size_t separator = text.find("://");
    if (separator == std::string_view::npos) {
        return mistake(text, "no transport", kForms);
    }
    const std::string_view transport = text.substr(0, separator);
    const std::string_view address = text.substr(separator + 3);
    if (address.empty()) {
        return mistake(text, "no address behind ://", kForms);
    }
    if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f; })) {
        return mistake(text, "a space or a control character", kForms);
    }
    if (transport == "tcp") {
        return parse_tcp(text, address, attachment);
    }
    if (transport == "ipc") {
        if (address.size() > kLongestIpcPath) {
            return mistake(text, "the path is longer than the 107 bytes of a socket's name",
                           "put the socket into a shorter folder, as in /run/tamis");
        }
        return Endpoint{Transport::ipc, std::string(text), {}, 0};
    }
    if (transport == "inproc") {
        return Endpoint{Transport::inproc, std::string(text), {}, 0};
    }
    return mistake(text, "transport \"" + std::string(transport) + "\" is not supported", kForms);
}

}  // namespace tamis::streams
