#include "streams/fragment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "streams/wire.pb.h"
#include "tests/support/allocation_guard.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using tests::as_bytes;
using tests::make_fragment;
using tests::make_message;

Fragment full_fragment() {
    Fragment fragment = make_fragment(300, 0x0102030405060708, 7, "some bytes");
    fragment.timestamp_ns = 1'700'000'000'000'000'000;
    fragment.sequence = 99;
    fragment.payload_type = PayloadType::features;
    return fragment;
}

// The same message by the generated class, which is the definition of the wire.
wire::Fragment generated(const Fragment& fragment) {
    wire::Fragment message;
    message.set_run(fragment.run);
    message.set_event(fragment.event);
    message.set_source(fragment.source);
    message.set_timestamp_ns(fragment.timestamp_ns);
    message.set_sequence(fragment.sequence);
    message.set_payload_type(static_cast<wire::PayloadType>(fragment.payload_type));
    message.set_payload(fragment.payload.data(), fragment.payload.size());
    if (fragment.crc32c) {
        message.set_crc32c(*fragment.crc32c);
    }
    return message;
}

void expect_equal(const Fragment& a, const wire::Fragment& b) {
    EXPECT_EQ(a.run, b.run());
    EXPECT_EQ(a.event, b.event());
    EXPECT_EQ(a.source, b.source());
    EXPECT_EQ(a.timestamp_ns, b.timestamp_ns());
    EXPECT_EQ(a.sequence, b.sequence());
    EXPECT_EQ(static_cast<std::int32_t>(a.payload_type), static_cast<int>(b.payload_type()));
    EXPECT_TRUE(std::ranges::equal(a.payload, as_bytes(b.payload())));
    EXPECT_EQ(a.crc32c.has_value(), b.has_crc32c());
    EXPECT_EQ(a.crc32c.value_or(0), b.crc32c());
}

TEST(Crc32c, has_the_check_value_of_its_definition) {
    EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
    EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, continues_where_it_stopped) {
    EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xe3069283U);
}

TEST(Crc32c, of_a_fragment_covers_header_and_payload_as_the_wire_says) {
    Fragment fragment = make_fragment(0x01020304, 0x1112131415161718, 0x21222324, "PAY");
    fragment.timestamp_ns = 0x3132333435363738;
    fragment.sequence = 0x4142434445464748;
    fragment.payload_type = PayloadType::pixel_doublets;
    constexpr std::string_view kCovered(
        "\x04\x03\x02\x01"
        "\x18\x17\x16\x15\x14\x13\x12\x11"
        "\x24\x23\x22\x21"
        "\x38\x37\x36\x35\x34\x33\x32\x31"
        "\x48\x47\x46\x45\x44\x43\x42\x41"
        "\x03\x00\x00\x00"
        "PAY",
        39);
    EXPECT_EQ(fragment_checksum(fragment), crc32c(as_bytes(kCovered)));
}

TEST(FragmentEncoding, is_what_protocol_buffers_write) {
    Fragment fragment = full_fragment();
    std::string message;
    for (const bool with_crc : {false, true}) {
        fragment.crc32c = with_crc ? std::optional<std::uint32_t>(0) : std::nullopt;
        encode_fragment(fragment, Checksum::as_given, message);
        EXPECT_EQ(message, generated(fragment).SerializeAsString());
    }
    encode_fragment(Fragment{}, Checksum::as_given, message);
    EXPECT_TRUE(message.empty());
    fragment.payload_type = PayloadType{0xfffffff0U};  // negative as an enumerator
    encode_fragment(fragment, Checksum::as_given, message);
    EXPECT_EQ(message, generated(fragment).SerializeAsString());
}

TEST(FragmentDecoder, reads_back_every_field) {
    const FragmentDecoder decoder;
    const std::string message = make_message(full_fragment());
    const auto decoded = decoder.decode(as_bytes(message));
    ASSERT_TRUE(decoded);
    wire::Fragment reference = generated(full_fragment());
    reference.set_crc32c(fragment_checksum(full_fragment()));
    expect_equal(*decoded, reference);
}

TEST(FragmentDecoder, lends_the_payload_from_the_message) {
    const std::string message = make_message(1, 2, 3, "where am I");
    const auto decoded = FragmentDecoder().decode(as_bytes(message));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(reinterpret_cast<const char*>(decoded->payload.data()),
              message.data() + message.find("where"));
}

TEST(FragmentDecoder, takes_an_empty_message_for_a_fragment_of_defaults) {
    const auto decoded = FragmentDecoder().decode({});
    ASSERT_TRUE(decoded);
    expect_equal(*decoded, wire::Fragment());
}

TEST(FragmentDecoder, accepts_a_missing_checksum_and_refuses_a_wrong_one) {
    Fragment fragment = full_fragment();
    std::string message;
    encode_fragment(fragment, Checksum::as_given, message);
    EXPECT_TRUE(FragmentDecoder().decode(as_bytes(message)));
    fragment.crc32c = fragment_checksum(fragment) ^ 1U;
    encode_fragment(fragment, Checksum::as_given, message);
    EXPECT_EQ(FragmentDecoder().decode(as_bytes(message)).error(), FragmentFault::bad_checksum);
}

TEST(FragmentDecoder, refuses_a_message_one_byte_too_large_before_it_looks_inside) {
    const std::string good = make_message(1, 2, 3, std::string(100, 'x'));
    EXPECT_TRUE(FragmentDecoder({good.size()}).decode(as_bytes(good)));
    EXPECT_EQ(FragmentDecoder({good.size() - 1}).decode(as_bytes(good)).error(),
              FragmentFault::oversize);
    const std::string garbage(200, '\xff');
    EXPECT_EQ(FragmentDecoder({199}).decode(as_bytes(garbage)).error(), FragmentFault::oversize);
}

TEST(FragmentDecoder, refuses_every_truncation_inside_a_field) {
    std::string message;
    encode_fragment(full_fragment(), Checksum::computed, message);
    const FragmentDecoder decoder;
    for (std::size_t size = 0; size < message.size(); ++size) {
        const std::string cut = message.substr(0, size);
        const auto decoded = decoder.decode(as_bytes(cut));
        wire::Fragment reference;
        EXPECT_EQ(decoded.has_value(), reference.ParseFromString(cut)) << size;
    }
}

TEST(FragmentDecoder, skips_fields_that_are_younger_than_itself) {
    std::string message = make_message(5, 6, 7);
    message += std::string("\x9a\x06\x03new", 6);  // field 99, length-delimited
    message += std::string("\x78\x01", 2);         // field 15, varint
    const auto decoded = FragmentDecoder().decode(as_bytes(message));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->event, 6U);
}

TEST(FragmentDecoder, keeps_the_number_of_an_unknown_payload_type) {
    Fragment fragment = make_fragment(1, 2, 3);
    fragment.payload_type = PayloadType{77};
    const std::string message = make_message(fragment);
    const auto decoded = FragmentDecoder().decode(as_bytes(message));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->payload_type, PayloadType{77});
}

TEST(FragmentDecoder, refuses_groups_zero_tags_and_claims_of_more_than_there_is) {
    const FragmentDecoder decoder;
    for (const std::string& message : {
             std::string("\x7b\x7c"),                      // a group
             std::string("\x7c"),                          // an end without a start
             std::string("\0", 1),                         // field 0
             std::string("\x3a\xff\xff\xff\xff\x07"),      // 2^31 - 1 bytes announced
             std::string("\x3a\xff\xff\xff\xff\xff\x01"),  // more than 32 bits announced
             std::string("\x3a\x05four"),
             std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),  // endless varint
         }) {
        const auto decoded = decoder.decode(as_bytes(message));
        ASSERT_FALSE(decoded);
        EXPECT_EQ(decoded.error(), FragmentFault::malformed);
    }
}

// The reader of the wire against the generated one, on bytes that are almost fragments.
TEST(FragmentDecoder, agrees_with_protocol_buffers_on_mutated_messages) {
    std::mt19937_64 random(20261122);
    const FragmentDecoder decoder;
    const std::string good = make_message(full_fragment());
    std::size_t accepted = 0;
    for (int i = 0; i < 100'000; ++i) {
        std::string message = good;
        if (i % 4 == 0) {
            message.resize(random() % 64);
            std::ranges::generate(message, [&] { return static_cast<char>(random()); });
        }
        for (std::size_t n = random() % 4; n > 0 && !message.empty(); --n) {
            message[random() % message.size()] = static_cast<char>(random());
        }
        message.resize(random() % 8 == 0 ? random() % (message.size() + 1) : message.size());
        const auto decoded = decoder.decode(as_bytes(message));
        wire::Fragment reference;
        const bool parsed = reference.ParseFromString(message);
        if (decoded) {
            ++accepted;
            ASSERT_TRUE(parsed) << testing::PrintToString(
                std::vector<unsigned char>(message.begin(), message.end()));
            expect_equal(*decoded, reference);
        } else if (decoded.error() == FragmentFault::bad_checksum) {
            ASSERT_TRUE(parsed && reference.has_crc32c());
        }
    }
    EXPECT_GT(accepted, 1000U);
}

TEST(FragmentDecoder, allocates_nothing) {
    const std::string good = make_message(1, 2, 3, std::string(100'000, 'x'));
    const std::string bad(1000, '\x9a');
    const FragmentDecoder decoder;
    const tests::AllocationGuard guard;
    bool decoded = true;
    for (int i = 0; i < 100; ++i) {
        decoded = decoded && decoder.decode(as_bytes(good)) && !decoder.decode(as_bytes(bad));
    }
    const std::size_t allocations = guard.allocations();
    EXPECT_TRUE(decoded);
    EXPECT_EQ(allocations, 0U);
}

TEST(FragmentEncoding, into_a_used_buffer_allocates_nothing) {
    const std::string payload(5000, 'x');
    std::string message;
    encode_fragment(make_fragment(1, 2, 3, payload), Checksum::computed, message);
    const tests::AllocationGuard guard;
    encode_fragment(make_fragment(1, 3, 3, payload), Checksum::computed, message);
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace tamis::streams
