#include "streams/reliable/link_message.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <gsl/assert>
#include <optional>

#include "streams/fragment.hpp"

namespace tamis::streams {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kChecksumAt = 4;
constexpr std::size_t kHeaderBytes = 8;  // kind, version, two zeros, checksum
constexpr std::byte kVersion{2};
constexpr std::uint64_t kReassigns = 1;  // of the flags of an open

enum class Kind : std::uint8_t {
    open = 1,
    data = 2,
    close = 3,
    grant = 4,
    resend = 5,
    unknown_peer = 6,
    refused = 7,
};

std::uint32_t checksum(std::span<const std::byte> message) noexcept {
    return crc32c(message.subspan(kHeaderBytes), crc32c(message.first(kChecksumAt)));
}

void seal(Kind kind, std::span<std::byte> message) noexcept {
    message[0] = static_cast<std::byte>(kind);
    message[1] = kVersion;
    message[2] = message[3] = std::byte{0};
    const std::uint32_t sum = checksum(message);
    std::memcpy(message.data() + kChecksumAt, &sum, sizeof sum);
}

// The numbers of a message behind its header.
template <std::size_t n>
std::array<std::uint64_t, n> numbers(std::span<const std::byte> body) noexcept {
    std::array<std::uint64_t, n> values;
    std::memcpy(values.data(), body.data(), sizeof values);
    return values;
}

template <std::size_t n>
std::span<std::byte> begin_message(const std::array<std::uint64_t, n>& values, std::size_t rest,
                                   std::vector<std::byte>& out) {
    out.resize(kHeaderBytes + sizeof values + rest);
    std::memcpy(out.data() + kHeaderBytes, values.data(), sizeof values);
    return out;
}

struct Encoder {
    std::vector<std::byte>& out;

    void operator()(const OpenMessage& open) const {
        Expects(!open.name.empty() && open.name.size() <= kLongestSenderName);
        const std::array values{open.epoch, open.first, open.first_offset,
                                open.next,  open.width, open.reassigns ? kReassigns : 0};
        const auto message = begin_message(values, open.name.size(), out);
        std::memcpy(message.data() + kHeaderBytes + sizeof values, open.name.data(),
                    open.name.size());
        seal(Kind::open, message);
    }
    void operator()(const DataMessage& data) const {
        out.resize(kDataHeaderBytes + data.payload.size());
        write_data_message(data, out);
    }
    void operator()(const CloseMessage& close) const {
        seal(Kind::close, begin_message(std::array{close.epoch}, 0, out));
    }
    void operator()(const GrantMessage& grant) const {
        Expects(grant.settled.size() <= kLongestSettled);
        const std::array values{grant.receiver_epoch, grant.sender_epoch,   grant.levels.received,
                                grant.levels.decided, grant.levels.durable, grant.limit,
                                grant.offset_limit};
        const auto message = begin_message(values, grant.settled.size(), out);
        std::ranges::copy(grant.settled, message.begin() + kHeaderBytes + sizeof values);
        seal(Kind::grant, message);
    }
    void operator()(const ResendMessage& resend) const {
        seal(Kind::resend,
             begin_message(std::array{resend.sender_epoch, resend.from, resend.to}, 0, out));
    }
    void operator()(const UnknownPeerMessage& unknown) const {
        seal(Kind::unknown_peer, begin_message(std::array{unknown.receiver_epoch}, 0, out));
    }
    void operator()(const RefusedMessage& refused) const {
        seal(Kind::refused, begin_message(std::array{refused.later_epoch}, 0, out));
    }
};

std::optional<LinkMessage> decode_open(std::span<const std::byte> body) noexcept {
    constexpr std::uint64_t kWidest = 1024;
    const std::size_t fixed = 6 * sizeof(std::uint64_t);
    if (body.size() <= fixed || body.size() > fixed + kLongestSenderName) {
        return std::nullopt;
    }
    const auto [epoch, first, first_offset, next, width, flags] = numbers<6>(body);
    const auto name = body.subspan(fixed);
    if (epoch == 0 || first == 0 || next < first || width == 0 || width > kWidest) {
        return std::nullopt;
    }
    return OpenMessage{.epoch = epoch,
                       .first = first,
                       .first_offset = first_offset,
                       .next = next,
                       .width = width,
                       .reassigns = (flags & kReassigns) != 0,
                       .name = {reinterpret_cast<const char*>(name.data()), name.size()}};
}

std::optional<LinkMessage> decode_grant(std::span<const std::byte> body) noexcept {
    const std::size_t fixed = 7 * sizeof(std::uint64_t);
    if (body.size() < fixed || body.size() > fixed + kLongestSettled) {
        return std::nullopt;
    }
    const auto value = numbers<7>(body);
    const LinkLevels levels{value[2], value[3], value[4]};
    if (levels.durable > levels.decided || levels.decided > levels.received) {
        return std::nullopt;
    }
    return GrantMessage{value[0], value[1], levels, value[5], value[6], body.subspan(fixed)};
}

std::optional<LinkMessage> decode_body(Kind kind, std::span<const std::byte> body) noexcept {
    const auto has = [&](std::size_t count) { return body.size() == count * 8; };
    switch (kind) {
        case Kind::open:
            return decode_open(body);
        case Kind::data:
            if (body.size() < 16 || numbers<1>(body)[0] == 0) {
                return std::nullopt;
            }
            return DataMessage{numbers<2>(body)[0], numbers<2>(body)[1], body.subspan(16)};
        case Kind::close:
            return has(1) ? std::optional<LinkMessage>(CloseMessage{numbers<1>(body)[0]})
                          : std::nullopt;
        case Kind::grant:
            return decode_grant(body);
        case Kind::resend:
            if (!has(3) || numbers<3>(body)[1] == 0 || numbers<3>(body)[2] < numbers<3>(body)[1]) {
                return std::nullopt;
            }
            return ResendMessage{numbers<3>(body)[0], numbers<3>(body)[1], numbers<3>(body)[2]};
        case Kind::unknown_peer:
            return has(1) ? std::optional<LinkMessage>(UnknownPeerMessage{numbers<1>(body)[0]})
                          : std::nullopt;
        case Kind::refused:
            return has(1) ? std::optional<LinkMessage>(RefusedMessage{numbers<1>(body)[0]})
                          : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

tl::expected<LinkMessage, LinkFault> decode_link_message(
    std::span<const std::byte> message) noexcept {
    if (message.size() < kHeaderBytes + sizeof(std::uint64_t)) {
        return tl::unexpected(LinkFault::malformed);
    }
    std::uint32_t sum = 0;
    std::memcpy(&sum, message.data() + kChecksumAt, sizeof sum);
    if (sum != checksum(message)) {
        return tl::unexpected(LinkFault::bad_checksum);
    }
    if (message[1] != kVersion) {
        return tl::unexpected(LinkFault::malformed);
    }
    const auto decoded = decode_body(static_cast<Kind>(std::to_integer<std::uint8_t>(message[0])),
                                     message.subspan(kHeaderBytes));
    if (!decoded) {
        return tl::unexpected(LinkFault::malformed);
    }
    return *decoded;
}

void encode_link_message(const LinkMessage& message, std::vector<std::byte>& out) {
    std::visit(Encoder{out}, message);
}

void write_data_message(const DataMessage& message, std::span<std::byte> out) noexcept {
    Expects(out.size() == kDataHeaderBytes + message.payload.size());
    const std::array values{message.number, message.offset};
    std::memcpy(out.data() + kHeaderBytes, values.data(), sizeof values);
    if (!message.payload.empty()) {
        std::memcpy(out.data() + kDataHeaderBytes, message.payload.data(), message.payload.size());
    }
    seal(Kind::data, out);
}

}  // namespace tamis::streams
