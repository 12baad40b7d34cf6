#include "streams/recording/mcap_contents.hpp"

#include <algorithm>
#include <cstring>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kFooterRecordBytes = kMcapPrefixBytes + kMcapFooterBytes;
constexpr std::uint64_t kEndingBytes = kFooterRecordBytes + kMcapMagic.size();
constexpr std::uint64_t kDataEndBytes = kMcapPrefixBytes + sizeof(std::uint32_t);

struct Ending {
    McapFooter footer;
    std::uint64_t footer_offset = 0;
};

std::optional<Ending> read_ending(InputFile& file) {
    if (file.size() < kMcapMagic.size() + kEndingBytes) {
        return std::nullopt;
    }
    Ending ending;
    ending.footer_offset = file.size() - kEndingBytes;
    const auto bytes = file.copy(ending.footer_offset, kEndingBytes);
    if (!bytes ||
        !std::equal(kMcapMagic.begin(), kMcapMagic.end(), bytes->begin() + kFooterRecordBytes)) {
        return std::nullopt;
    }
    const McapPrefix prefix = parse_prefix(std::span(*bytes).first<kMcapPrefixBytes>());
    if (prefix.opcode != McapOpcode::footer || prefix.content_bytes != kMcapFooterBytes ||
        !parse_record(std::span(*bytes).subspan(kMcapPrefixBytes, kMcapFooterBytes),
                      ending.footer)) {
        return std::nullopt;
    }
    return ending;
}

template <typename Record>
bool append_parsed(std::span<const std::byte> content, std::vector<Record>& records) {
    return parse_record(content, records.emplace_back()).has_value();
}

template <typename Record>
bool insert_parsed(std::span<const std::byte> content, std::map<std::uint16_t, Record>& records) {
    Record record;
    if (!parse_record(content, record)) {
        return false;
    }
    const std::uint16_t id = record.id;
    records.insert_or_assign(id, std::move(record));
    return true;
}

bool add_record(McapContents& contents, McapOpcode opcode, std::span<const std::byte> content) {
    switch (opcode) {
        case McapOpcode::schema:
            return insert_parsed(content, contents.schemas);
        case McapOpcode::channel:
            return insert_parsed(content, contents.channels);
        case McapOpcode::statistics:
            return parse_record(content, contents.statistics).has_value();
        case McapOpcode::chunk_index:
            return append_parsed(content, contents.chunks);
        case McapOpcode::attachment_index:
            return append_parsed(content, contents.attachments);
        case McapOpcode::metadata_index:
            return append_parsed(content, contents.metadata);
        case McapOpcode::key_index:
            // Where it is none of ours it says nothing.
            static_cast<void>(parse_key_index(content, contents.chunk_keys));
            return true;
        default:
            return true;  // summary offsets and what later versions add
    }
}

// An index that does not speak of every chunk, in their order, is not believed.
void check_keys(McapContents& contents) {
    const bool is_whole = std::equal(contents.chunk_keys.begin(), contents.chunk_keys.end(),
                                     contents.chunks.begin(), contents.chunks.end(),
                                     [](const McapChunkKeys& keys, const McapChunkIndex& chunk) {
                                         return keys.chunk_offset == chunk.chunk_offset;
                                     });
    if (!is_whole) {
        contents.chunk_keys.clear();
    }
}

// The content of the record at `offset`, if that is what lies there.
std::optional<std::vector<std::byte>> copy_record(InputFile& file, std::uint64_t offset,
                                                  std::uint64_t record_bytes, McapOpcode opcode) {
    if (record_bytes < kMcapPrefixBytes) {
        return std::nullopt;
    }
    auto bytes = file.copy(offset, record_bytes);
    if (!bytes) {
        return std::nullopt;
    }
    const McapPrefix prefix = parse_prefix(std::span(*bytes).first<kMcapPrefixBytes>());
    if (prefix.opcode != opcode || prefix.content_bytes != record_bytes - kMcapPrefixBytes) {
        return std::nullopt;
    }
    bytes->erase(bytes->begin(), bytes->begin() + kMcapPrefixBytes);
    return bytes;
}

}  // namespace

McapEnding check_mcap_ending(InputFile& file, std::uint64_t after_data) {
    const auto ending = read_ending(file);
    if (!ending) {
        return McapEnding::absent;
    }
    if (ending->footer.summary_start == 0) {
        return ending->footer_offset == after_data ? McapEnding::good : McapEnding::damaged;
    }
    const auto summary = read_mcap_summary(file);
    return summary && summary->data_end_offset + kDataEndBytes == after_data ? McapEnding::good
                                                                             : McapEnding::damaged;
}

std::optional<McapSummary> read_mcap_summary(InputFile& file) {
    const auto ending = read_ending(file);
    if (!ending) {
        return std::nullopt;
    }
    const std::uint64_t start = ending->footer.summary_start;
    if (start < kMcapMagic.size() + kDataEndBytes || start > ending->footer_offset) {
        return std::nullopt;
    }
    // Up to the footer's own CRC field.
    const auto bytes = file.copy(
        start, ending->footer_offset - start + kFooterRecordBytes - sizeof(std::uint32_t));
    if (!bytes) {
        return std::nullopt;
    }
    McapSummary summary;
    summary.is_checked = ending->footer.summary_crc != 0;
    if (summary.is_checked && crc32(*bytes) != ending->footer.summary_crc) {
        return std::nullopt;
    }
    summary.data_end_offset = start - kDataEndBytes;
    std::span<const std::byte> rest = std::span(*bytes).first(ending->footer_offset - start);
    while (!rest.empty()) {
        if (rest.size() < kMcapPrefixBytes) {
            return std::nullopt;
        }
        const McapPrefix prefix = parse_prefix(rest.first<kMcapPrefixBytes>());
        rest = rest.subspan(kMcapPrefixBytes);
        if (prefix.content_bytes > rest.size() ||
            !add_record(summary.contents, prefix.opcode, rest.first(prefix.content_bytes))) {
            return std::nullopt;
        }
        rest = rest.subspan(prefix.content_bytes);
    }
    check_keys(summary.contents);
    return summary;
}

tl::expected<std::vector<std::byte>, std::string> read_mcap_attachment(
    InputFile& file, const McapAttachmentIndex& index) {
    auto content = copy_record(file, index.offset, index.record_bytes, McapOpcode::attachment);
    McapAttachment attachment;
    if (!content || !parse_record(*content, attachment)) {
        return tl::unexpected("cannot read attachment " + index.name + " of " + file.path() +
                              " (damaged at byte " + std::to_string(index.offset) + ")");
    }
    return std::vector<std::byte>(attachment.contents.begin(), attachment.contents.end());
}

tl::expected<McapMetadata, std::string> read_mcap_metadata(InputFile& file,
                                                           const McapMetadataIndex& index) {
    auto content = copy_record(file, index.offset, index.record_bytes, McapOpcode::metadata);
    McapMetadata metadata;
    if (!content || !parse_record(*content, metadata)) {
        return tl::unexpected("cannot read metadata " + index.name + " of " + file.path() +
                              " (damaged at byte " + std::to_string(index.offset) + ")");
    }
    return metadata;
}

}  // namespace tamis::streams
