// What the two ends of a reliable link say to each other (PROTOCOL.md): one ZeroMQ message of one
// part each, little-endian, a checksum over all of it. Decoding copies nothing and never throws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace tamis::streams {

inline constexpr std::size_t kDataHeaderBytes = 24;  // before the payload of a data message
inline constexpr std::size_t kLongestSenderName = 63;
inline constexpr std::size_t kLongestSettled = 8192;  // bytes, of eight messages each

// How far the receiver has come, each level cumulative: every message up to this number.
struct LinkLevels {
    std::uint64_t received = 0;
    std::uint64_t decided = 0;
    std::uint64_t durable = 0;  // the sender forgets up to here

    friend bool operator==(const LinkLevels&, const LinkLevels&) = default;
};

// Sender to receiver: who I am and what I still hold; also the ping of an idle link.
struct OpenMessage {
    std::uint64_t epoch = 0;         // of this incarnation; later ones have larger epochs
    std::uint64_t first = 0;         // number of the oldest message that is kept
    std::uint64_t first_offset = 0;  // payload bytes of all messages before it
    std::uint64_t next = 0;          // number after the last one sent
    std::uint64_t width = 1;         // sources whose messages it sends, 1 .. 1024
    bool reassigns = false;          // what this receiver does not settle may go to another one
    std::string_view name;           // 1 .. 63 bytes
};

struct DataMessage {
    std::uint64_t number = 0;  // from 1 without gaps in an epoch
    std::uint64_t offset = 0;  // payload bytes of all messages before it
    std::span<const std::byte> payload;
};

// Sender to receiver: nothing more will come in this epoch.
struct CloseMessage {
    std::uint64_t epoch = 0;
};

// Receiver to sender: levels, and what may be sent.
struct GrantMessage {
    std::uint64_t receiver_epoch = 0;
    std::uint64_t sender_epoch = 0;
    LinkLevels levels;
    std::uint64_t limit = 0;         // largest number that may be sent
    std::uint64_t offset_limit = 0;  // a message must end at or before this offset
    // Bit i of byte k, from the lowest: message levels.durable + 1 + 8 k + i is durable although
    // one before it is not. For senders that reassign; at most kLongestSettled bytes.
    std::span<const std::byte> settled = {};
};

// Receiver to sender: these did not arrive.
struct ResendMessage {
    std::uint64_t sender_epoch = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;  // inclusive
};

// Receiver to sender: data came before any open on this connection.
struct UnknownPeerMessage {
    std::uint64_t receiver_epoch = 0;
};

// Receiver to sender: a later incarnation of this name has been here.
struct RefusedMessage {
    std::uint64_t later_epoch = 0;
};

using LinkMessage = std::variant<OpenMessage, DataMessage, CloseMessage, GrantMessage,
                                 ResendMessage, UnknownPeerMessage, RefusedMessage>;

enum class LinkFault : std::uint8_t { malformed, bad_checksum };

[[nodiscard]] tl::expected<LinkMessage, LinkFault> decode_link_message(
    std::span<const std::byte> message) noexcept;

// Replaces `out`, which keeps its capacity. Data messages: write_data_message.
void encode_link_message(const LinkMessage& message, std::vector<std::byte>& out);

// out: kDataHeaderBytes + payload bytes.
void write_data_message(const DataMessage& message, std::span<std::byte> out) noexcept;

}  // namespace tamis::streams
