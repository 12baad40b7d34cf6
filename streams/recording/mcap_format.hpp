// The records of an MCAP file (specification at mcap.dev/spec, major version 0): plain structs,
// their encoding and their bounds-checked decoding. Knows no file. Integers are little-endian; a
// string is its uint32 length and its bytes; times are nanoseconds since 1970.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tamis::streams {

enum class McapOpcode : std::uint8_t {
    header = 0x01,
    footer = 0x02,
    schema = 0x03,
    channel = 0x04,
    message = 0x05,
    chunk = 0x06,
    message_index = 0x07,
    chunk_index = 0x08,
    attachment = 0x09,
    attachment_index = 0x0A,
    statistics = 0x0B,
    metadata = 0x0C,
    metadata_index = 0x0D,
    summary_offset = 0x0E,
    data_end = 0x0F,
    key_index = 0x80,  // Tamis' own, in the summary: McapChunkKeys of each chunk
};

// 0x80 to 0xFF are free for applications (and what lies between is for later versions).
[[nodiscard]] constexpr bool is_application_record(McapOpcode opcode) noexcept {
    return opcode > McapOpcode::data_end;
}

inline constexpr std::array<std::byte, 8> kMcapMagic = {
    std::byte{0x89}, std::byte{'M'}, std::byte{'C'},  std::byte{'A'},
    std::byte{'P'},  std::byte{'0'}, std::byte{'\r'}, std::byte{'\n'}};
// Opcode and uint64 length before each record's content.
inline constexpr std::size_t kMcapPrefixBytes = 9;
inline constexpr std::size_t kMcapFooterBytes = 20;
// The header's profile of files whose every chunk describes the channels that it uses.
inline constexpr std::string_view kTamisProfile = "tamis";
// What the content of a key index begins with.
inline constexpr std::string_view kKeyIndexMark = "tamis.keys";

using McapTexts = std::map<std::string, std::string>;

struct McapHeader {
    std::string profile;
    std::string library;
};

// summary_start, summary_offset_start: offsets in the file, 0 = absent.
struct McapFooter {
    std::uint64_t summary_start = 0;
    std::uint64_t summary_offset_start = 0;
    std::uint32_t summary_crc = 0;  // 0 = not available
};

struct McapSchema {
    std::uint16_t id = 0;  // from 1
    std::string name;
    std::string encoding;
    std::vector<std::byte> contents;
    bool operator==(const McapSchema&) const = default;
};

struct McapChannel {
    std::uint16_t id = 0;
    std::uint16_t schema_id = 0;  // 0 = none
    std::string topic;
    std::string message_encoding;
    McapTexts metadata;
    bool operator==(const McapChannel&) const = default;
};

// Two numbers that messages are found by; of a recording, run and event.
struct McapKey {
    std::uint32_t group = 0;
    std::uint64_t number = 0;
};

// The limits are inclusive; by default no key lies within.
struct McapKeyRange {
    std::uint32_t first_group = UINT32_MAX;
    std::uint32_t last_group = 0;
    std::uint64_t first_number = UINT64_MAX;
    std::uint64_t last_number = 0;

    constexpr void add(const McapKey& key) noexcept {
        first_group = std::min(first_group, key.group);
        last_group = std::max(last_group, key.group);
        first_number = std::min(first_number, key.number);
        last_number = std::max(last_number, key.number);
    }
    // Where this is false, no key lies within both.
    [[nodiscard]] constexpr bool overlaps(const McapKeyRange& other) const noexcept {
        return first_group <= other.last_group && other.first_group <= last_group &&
               first_number <= other.last_number && other.first_number <= last_number;
    }
    bool operator==(const McapKeyRange&) const = default;
};

// Within what the keys of a chunk's messages lie; a message without a key is in no range.
struct McapChunkKeys {
    std::uint64_t chunk_offset = 0;
    McapKeyRange keys;
};

// `contents` points into the buffer it was read from or is written from.
struct McapMessage {
    std::uint16_t channel_id = 0;
    std::uint32_t sequence = 0;
    std::uint64_t log_time_ns = 0;
    std::uint64_t publish_time_ns = 0;
    std::span<const std::byte> contents;
    std::optional<McapKey> key = {};  // for the index of a writer; no part of the record
};

struct McapChunk {
    std::uint64_t start_time_ns = 0;
    std::uint64_t end_time_ns = 0;
    std::uint64_t uncompressed_bytes = 0;
    std::uint32_t uncompressed_crc = 0;  // 0 = not checked
    std::string_view compression;        // points into the record
    std::span<const std::byte> records;  // compressed
};

struct McapChunkIndex {
    std::uint64_t start_time_ns = 0;
    std::uint64_t end_time_ns = 0;
    std::uint64_t chunk_offset = 0;
    std::uint64_t chunk_bytes = 0;                                 // of the whole record
    std::map<std::uint16_t, std::uint64_t> message_index_offsets;  // by channel
    std::uint64_t message_index_bytes = 0;
    std::string compression;
    std::uint64_t compressed_bytes = 0;
    std::uint64_t uncompressed_bytes = 0;
};

// `contents` points into the buffer it was read from or is written from.
struct McapAttachment {
    std::uint64_t log_time_ns = 0;
    std::uint64_t create_time_ns = 0;
    std::string name;
    std::string media_type;
    std::span<const std::byte> contents;
};

struct McapAttachmentIndex {
    std::uint64_t offset = 0;
    std::uint64_t record_bytes = 0;
    std::uint64_t log_time_ns = 0;
    std::uint64_t create_time_ns = 0;
    std::uint64_t content_bytes = 0;
    std::string name;
    std::string media_type;
};

struct McapMetadata {
    std::string name;
    McapTexts texts;
};

struct McapMetadataIndex {
    std::uint64_t offset = 0;
    std::uint64_t record_bytes = 0;
    std::string name;
};

struct McapStatistics {
    std::uint64_t message_count = 0;
    std::uint16_t schema_count = 0;
    std::uint32_t channel_count = 0;
    std::uint32_t attachment_count = 0;
    std::uint32_t metadata_count = 0;
    std::uint32_t chunk_count = 0;
    std::uint64_t start_time_ns = 0;
    std::uint64_t end_time_ns = 0;
    std::map<std::uint16_t, std::uint64_t> channel_message_counts;
};

struct McapSummaryOffset {
    McapOpcode group = McapOpcode::schema;
    std::uint64_t group_start = 0;
    std::uint64_t group_bytes = 0;
};

// CRC-32 as zlib and PNG have it (reflected 0x04C11DB7); `crc` continues an earlier piece.
[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

// Each appends one whole record: prefix and content.
void append_record(std::vector<std::byte>& out, const McapHeader& record);
void append_record(std::vector<std::byte>& out, const McapFooter& record);
void append_record(std::vector<std::byte>& out, const McapSchema& record);
void append_record(std::vector<std::byte>& out, const McapChannel& record);
void append_record(std::vector<std::byte>& out, const McapMessage& record);
void append_record(std::vector<std::byte>& out, const McapChunkIndex& record);
void append_record(std::vector<std::byte>& out, const McapAttachment& record);  // with its CRC
void append_record(std::vector<std::byte>& out, const McapAttachmentIndex& record);
void append_record(std::vector<std::byte>& out, const McapMetadata& record);
void append_record(std::vector<std::byte>& out, const McapMetadataIndex& record);
void append_record(std::vector<std::byte>& out, const McapStatistics& record);
void append_record(std::vector<std::byte>& out, const McapSummaryOffset& record);
// Content: the text kKeyIndexMark; a uint32 length of what follows; by chunk uint64 chunk_offset,
// uint32 first_group, last_group, uint64 first_number, last_number.
void append_key_index(std::vector<std::byte>& out, std::span<const McapChunkKeys> chunks);
void append_data_end(std::vector<std::byte>& out, std::uint32_t data_section_crc);
// Everything of a chunk record but the `records` themselves, which must follow.
void append_chunk_prefix(std::vector<std::byte>& out, const McapChunk& chunk);
// entries: (log time, offset in the uncompressed chunk).
void append_message_index(std::vector<std::byte>& out, std::uint16_t channel_id,
                          std::span<const std::pair<std::uint64_t, std::uint64_t>> entries);

struct McapPrefix {
    McapOpcode opcode = McapOpcode::header;
    std::uint64_t content_bytes = 0;
};
[[nodiscard]] McapPrefix parse_prefix(std::span<const std::byte, kMcapPrefixBytes> prefix) noexcept;

// Each decodes a record's content (without prefix). Gives how many bytes the known fields take (a
// later version may append fields), or nothing when they do not fit.
using McapExtent = std::optional<std::size_t>;
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapHeader& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapFooter& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapSchema& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapChannel& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content,
                                      McapMessage& record) noexcept;
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content,
                                      McapChunk& record) noexcept;
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapChunkIndex& record);
// Also when its CRC is not 0 and does not match: nothing.
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapAttachment& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content,
                                      McapAttachmentIndex& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapMetadata& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content,
                                      McapMetadataIndex& record);
[[nodiscard]] McapExtent parse_record(std::span<const std::byte> content, McapStatistics& record);
// Also when it is another application's record of this opcode: nothing.
[[nodiscard]] McapExtent parse_key_index(std::span<const std::byte> content,
                                         std::vector<McapChunkKeys>& chunks);
// The length of a chunk record's content as its own fields say it, from the content's first bytes
// (kMcapChunkHeadBytes are enough, fewer where the file has fewer). Nothing when they make no
// sense.
inline constexpr std::size_t kMcapChunkHeadBytes = 8 + 8 + 8 + 4 + 4 + 64 + 8;
[[nodiscard]] std::optional<std::uint64_t> find_chunk_bytes(
    std::span<const std::byte> head) noexcept;
// Only the extent: the entries are rebuilt from the chunk where they are wanted.
[[nodiscard]] McapExtent parse_message_index(std::span<const std::byte> content) noexcept;
[[nodiscard]] McapExtent parse_data_end(std::span<const std::byte> content,
                                        std::uint32_t& data_section_crc) noexcept;

}  // namespace tamis::streams
