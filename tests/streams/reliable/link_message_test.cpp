#include "streams/reliable/link_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tamis::streams {
namespace {

std::vector<std::byte> encode(const LinkMessage& message) {
    std::vector<std::byte> bytes;
    encode_link_message(message, bytes);
    return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

template <class Message>
Message round_trip(const std::vector<std::byte>& bytes) {
    const auto decoded = decode_link_message(bytes);
    EXPECT_TRUE(decoded.has_value());
    EXPECT_TRUE(std::holds_alternative<Message>(*decoded));
    return std::get<Message>(*decoded);
}

std::vector<std::vector<std::byte>> one_of_each() {
    static const std::string payload = "forty-two";
    return {encode(OpenMessage{7, 3, 1000, 9, 4, false, "tracker"}),
            encode(DataMessage{12, 345, bytes_of(payload)}),
            encode(CloseMessage{7}),
            encode(GrantMessage{5, 7, {30, 20, 10}, 99, 4096, bytes_of(payload)}),
            encode(ResendMessage{7, 4, 6}),
            encode(UnknownPeerMessage{5}),
            encode(RefusedMessage{8})};
}

TEST(LinkMessage, keeps_every_field) {
    const auto open = encode(OpenMessage{7, 3, 1000, 9, 4, true, "tracker"});
    const auto read = round_trip<OpenMessage>(open);
    EXPECT_EQ(read.epoch, 7U);
    EXPECT_EQ(read.first, 3U);
    EXPECT_EQ(read.first_offset, 1000U);
    EXPECT_EQ(read.next, 9U);
    EXPECT_EQ(read.width, 4U);
    EXPECT_TRUE(read.reassigns);
    EXPECT_EQ(read.name, "tracker");

    const std::string payload = "forty-two";
    const auto data = encode(DataMessage{12, 345, bytes_of(payload)});
    const auto carried = round_trip<DataMessage>(data);
    EXPECT_EQ(carried.number, 12U);
    EXPECT_EQ(carried.offset, 345U);
    EXPECT_TRUE(std::ranges::equal(carried.payload, bytes_of(payload)));

    const auto granted =
        encode(GrantMessage{5, 7, {30, 20, 10}, 99, 4096, bytes_of(payload).first(2)});
    const auto grant = round_trip<GrantMessage>(granted);
    EXPECT_EQ(grant.receiver_epoch, 5U);
    EXPECT_EQ(grant.sender_epoch, 7U);
    EXPECT_EQ(grant.levels, (LinkLevels{30, 20, 10}));
    EXPECT_EQ(grant.limit, 99U);
    EXPECT_EQ(grant.offset_limit, 4096U);
    EXPECT_TRUE(std::ranges::equal(grant.settled, bytes_of(payload).first(2)));

    const auto resend = round_trip<ResendMessage>(encode(ResendMessage{7, 4, 6}));
    EXPECT_EQ(resend.sender_epoch, 7U);
    EXPECT_EQ(resend.from, 4U);
    EXPECT_EQ(resend.to, 6U);
    EXPECT_EQ(round_trip<CloseMessage>(encode(CloseMessage{7})).epoch, 7U);
    EXPECT_EQ(round_trip<UnknownPeerMessage>(encode(UnknownPeerMessage{5})).receiver_epoch, 5U);
    EXPECT_EQ(round_trip<RefusedMessage>(encode(RefusedMessage{8})).later_epoch, 8U);
}

// PROTOCOL.md gives this example to those who write a client in another language.
TEST(LinkMessage, has_the_bytes_of_the_protocol_document) {
    const std::string payload = "abc";
    const auto bytes = encode(DataMessage{1, 0, bytes_of(payload)});
    std::string hex;
    for (const std::byte byte : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        hex += kDigits[std::to_integer<unsigned>(byte) >> 4U];
        hex += kDigits[std::to_integer<unsigned>(byte) & 15U];
    }
    EXPECT_EQ(hex.substr(0, 8), "02020000");
    EXPECT_EQ(hex.substr(16), "01000000000000000000000000000000616263");
    EXPECT_EQ(hex.substr(8, 8), "d7549bfb");
}

TEST(LinkMessage, knows_every_flipped_bit) {
    for (const auto& message : one_of_each()) {
        for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
            auto damaged = message;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            EXPECT_FALSE(decode_link_message(damaged).has_value()) << "bit " << bit;
        }
    }
}

TEST(LinkMessage, knows_every_cut) {
    for (const auto& message : one_of_each()) {
        for (std::size_t size = 0; size < message.size(); ++size) {
            EXPECT_FALSE(decode_link_message(std::span(message).first(size)).has_value());
        }
    }
}

TEST(LinkMessage, refuses_contents_that_contradict_themselves) {
    const auto fault = [](const LinkMessage& message) {
        const auto decoded = decode_link_message(encode(message));
        return decoded                                   ? std::string("none")
               : decoded.error() == LinkFault::malformed ? "malformed"
                                                         : "checksum";
    };
    EXPECT_EQ(fault(OpenMessage{0, 1, 0, 1, 1, false, "a"}), "malformed");
    EXPECT_EQ(fault(OpenMessage{1, 0, 0, 1, 1, false, "a"}), "malformed");
    EXPECT_EQ(fault(OpenMessage{1, 5, 0, 4, 1, false, "a"}), "malformed") << "next before first";
    EXPECT_EQ(fault(OpenMessage{1, 1, 0, 1, 0, false, "a"}), "malformed") << "no source";
    EXPECT_EQ(fault(DataMessage{0, 0, {}}), "malformed");
    EXPECT_EQ(fault(GrantMessage{1, 1, {1, 2, 0}, 0, 0}), "malformed") << "decided, not received";
    EXPECT_EQ(fault(GrantMessage{1, 1, {3, 1, 2}, 0, 0}), "malformed") << "durable, not decided";
    EXPECT_EQ(fault(ResendMessage{1, 5, 4}), "malformed");
    EXPECT_EQ(fault(ResendMessage{1, 5, 5}), "none");
}

}  // namespace
}  // namespace tamis::streams
