#include "streams/recording/mcap_format.hpp"

#include <gtest/gtest.h>

#include "tests/streams/recording/sample_recording.hpp"

namespace tamis::streams {
namespace {

using tests::bytes_of;

std::span<const std::byte> content_of(const std::vector<std::byte>& record) {
    return std::span(record).subspan(kMcapPrefixBytes);
}

TEST(McapFormat, crc32_is_the_one_of_zlib) {
    EXPECT_EQ(crc32(bytes_of("123456789")), 0xCBF43926U);  // the check value of CRC-32/ISO-HDLC
    EXPECT_EQ(crc32(bytes_of("6789"), crc32(bytes_of("12345"))), 0xCBF43926U);
    EXPECT_EQ(crc32({}), 0U);
}

TEST(McapFormat, writes_a_message_record_as_the_specification_lays_it_out) {
    std::vector<std::byte> out;
    append_record(out, McapMessage{0x0102, 0x03040506, 7, 8, bytes_of("ab")});
    const std::string expected(
        "\x05\x18\0\0\0\0\0\0\0"
        "\x02\x01\x06\x05\x04\x03\x07\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0ab",
        33);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(out.data()), out.size()), expected);
}

TEST(McapFormat, decodes_what_it_encodes) {
    std::vector<std::byte> out;
    const McapChannel channel{3, 1, "topic", "protobuf", {{"a", "1"}, {"b", ""}}};
    append_record(out, channel);
    McapChannel channel_back;
    EXPECT_EQ(parse_record(content_of(out), channel_back), out.size() - kMcapPrefixBytes);
    EXPECT_EQ(channel_back, channel);

    out.clear();
    McapStatistics statistics{9, 1, 2, 3, 4, 5, 6, 7, {{0, 4}, {1, 5}}};
    append_record(out, statistics);
    McapStatistics statistics_back;
    EXPECT_EQ(parse_record(content_of(out), statistics_back), out.size() - kMcapPrefixBytes);
    EXPECT_EQ(statistics_back.channel_message_counts, statistics.channel_message_counts);
    EXPECT_EQ(statistics_back.chunk_count, 5U);
}

TEST(McapFormat, ignores_fields_that_a_later_version_appended) {
    std::vector<std::byte> out;
    append_record(out, McapMetadata{"name", {{"key", "value"}}});
    const std::size_t known_bytes = out.size() - kMcapPrefixBytes;
    out.push_back(std::byte{1});
    McapMetadata metadata;
    EXPECT_EQ(parse_record(content_of(out), metadata), known_bytes);
    EXPECT_EQ(metadata.texts.at("key"), "value");
}

TEST(McapFormat, refuses_a_record_cut_at_any_byte) {
    std::vector<std::byte> out;
    append_record(out, McapAttachment{1, 2, "menu", "text/plain", bytes_of("contents")});
    const auto content = content_of(out);
    McapAttachment attachment;
    EXPECT_TRUE(parse_record(content, attachment));
    for (std::size_t bytes = 0; bytes < content.size(); ++bytes) {
        EXPECT_FALSE(parse_record(content.first(bytes), attachment)) << bytes;
    }
}

TEST(McapFormat, refuses_an_attachment_whose_checksum_does_not_hold) {
    std::vector<std::byte> out;
    append_record(out, McapAttachment{1, 2, "menu", "text/plain", bytes_of("contents")});
    McapAttachment attachment;
    for (std::size_t at = kMcapPrefixBytes; at < out.size(); ++at) {
        out[at] ^= std::byte{0x10};
        EXPECT_FALSE(parse_record(content_of(out), attachment)) << at;
        out[at] ^= std::byte{0x10};
    }
}

}  // namespace
}  // namespace tamis::streams
