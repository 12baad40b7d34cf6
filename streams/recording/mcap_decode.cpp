#include <isa-l/crc.h>

#include <bit>
#include <cstring>
#include <limits>

#include "streams/recording/mcap_format.hpp"
#include "streams/vector_registers.hpp"

namespace tamis::streams {
namespace {

static_assert(std::endian::native == std::endian::little, "integers are copied as they lie");

// Reads a record's fields in order. The first field that does not fit makes every later one empty
// and the extent absent.
class RecordDecoder {
 public:
    explicit RecordDecoder(std::span<const std::byte> content) noexcept : content_(content) {}

    template <typename T>
    void number(T& value) noexcept {
        const auto bytes = take(sizeof(T));
        if (bytes.size() == sizeof(T)) {
            std::memcpy(&value, bytes.data(), sizeof(T));
        }
    }
    std::span<const std::byte> take(std::uint64_t bytes) noexcept {
        if (!fits_ || bytes > content_.size() - at_) {
            fits_ = false;
            return {};
        }
        at_ += bytes;
        return content_.subspan(at_ - bytes, bytes);
    }
    std::span<const std::byte> take_sized_32() noexcept {
        std::uint32_t bytes = 0;
        number(bytes);
        return take(bytes);
    }
    std::span<const std::byte> take_sized_64() noexcept {
        std::uint64_t bytes = 0;
        number(bytes);
        return take(bytes);
    }
    std::string_view text_view() noexcept {
        const auto bytes = take_sized_32();
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    void text(std::string& value) { value = text_view(); }
    void texts(McapTexts& values) {
        RecordDecoder list(take_sized_32());
        values.clear();
        while (fits_ && list.fits_ && list.at_ < list.content_.size()) {
            std::string key(list.text_view());
            values.insert_or_assign(std::move(key), std::string(list.text_view()));
        }
        fits_ = fits_ && list.fits_;
    }
    void counts(std::map<std::uint16_t, std::uint64_t>& values) {
        RecordDecoder list(take_sized_32());
        values.clear();
        while (fits_ && list.fits_ && list.at_ < list.content_.size()) {
            std::uint16_t key = 0;
            std::uint64_t value = 0;
            list.number(key);
            list.number(value);
            values.insert_or_assign(key, value);
        }
        fits_ = fits_ && list.fits_;
    }
    [[nodiscard]] bool is_at_end() const noexcept { return at_ == content_.size(); }
    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] McapExtent extent() const noexcept {
        return fits_ ? McapExtent(at_) : std::nullopt;
    }

 private:
    std::span<const std::byte> content_;
    std::size_t at_ = 0;
    bool fits_ = true;
};

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
    const std::uint32_t sum =
        crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    release_vector_registers();
    return sum;
}

McapPrefix parse_prefix(std::span<const std::byte, kMcapPrefixBytes> prefix) noexcept {
    McapPrefix result;
    result.opcode = static_cast<McapOpcode>(prefix[0]);
    std::memcpy(&result.content_bytes, prefix.data() + 1, sizeof(result.content_bytes));
    return result;
}

McapExtent parse_record(std::span<const std::byte> content, McapHeader& record) {
    RecordDecoder decoder(content);
    decoder.text(record.profile);
    decoder.text(record.library);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapFooter& record) {
    RecordDecoder decoder(content);
    decoder.number(record.summary_start);
    decoder.number(record.summary_offset_start);
    decoder.number(record.summary_crc);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapSchema& record) {
    RecordDecoder decoder(content);
    decoder.number(record.id);
    decoder.text(record.name);
    decoder.text(record.encoding);
    const auto bytes = decoder.take_sized_32();
    record.contents.assign(bytes.begin(), bytes.end());
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapChannel& record) {
    RecordDecoder decoder(content);
    decoder.number(record.id);
    decoder.number(record.schema_id);
    decoder.text(record.topic);
    decoder.text(record.message_encoding);
    decoder.texts(record.metadata);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapMessage& record) noexcept {
    RecordDecoder decoder(content);
    decoder.number(record.channel_id);
    decoder.number(record.sequence);
    decoder.number(record.log_time_ns);
    decoder.number(record.publish_time_ns);
    record.contents = decoder.take(content.size() - decoder.position());
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapChunk& record) noexcept {
    RecordDecoder decoder(content);
    decoder.number(record.start_time_ns);
    decoder.number(record.end_time_ns);
    decoder.number(record.uncompressed_bytes);
    decoder.number(record.uncompressed_crc);
    record.compression = decoder.text_view();
    record.records = decoder.take_sized_64();
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapChunkIndex& record) {
    RecordDecoder decoder(content);
    decoder.number(record.start_time_ns);
    decoder.number(record.end_time_ns);
    decoder.number(record.chunk_offset);
    decoder.number(record.chunk_bytes);
    decoder.counts(record.message_index_offsets);
    decoder.number(record.message_index_bytes);
    decoder.text(record.compression);
    decoder.number(record.compressed_bytes);
    decoder.number(record.uncompressed_bytes);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapAttachment& record) {
    RecordDecoder decoder(content);
    decoder.number(record.log_time_ns);
    decoder.number(record.create_time_ns);
    decoder.text(record.name);
    decoder.text(record.media_type);
    record.contents = decoder.take_sized_64();
    const std::size_t covered_bytes = decoder.position();
    std::uint32_t crc = 0;
    decoder.number(crc);
    if (decoder.extent() && crc != 0 && crc != crc32(content.first(covered_bytes))) {
        return std::nullopt;
    }
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapAttachmentIndex& record) {
    RecordDecoder decoder(content);
    decoder.number(record.offset);
    decoder.number(record.record_bytes);
    decoder.number(record.log_time_ns);
    decoder.number(record.create_time_ns);
    decoder.number(record.content_bytes);
    decoder.text(record.name);
    decoder.text(record.media_type);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapMetadata& record) {
    RecordDecoder decoder(content);
    decoder.text(record.name);
    decoder.texts(record.texts);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapMetadataIndex& record) {
    RecordDecoder decoder(content);
    decoder.number(record.offset);
    decoder.number(record.record_bytes);
    decoder.text(record.name);
    return decoder.extent();
}

McapExtent parse_record(std::span<const std::byte> content, McapStatistics& record) {
    RecordDecoder decoder(content);
    decoder.number(record.message_count);
    decoder.number(record.schema_count);
    decoder.number(record.channel_count);
    decoder.number(record.attachment_count);
    decoder.number(record.metadata_count);
    decoder.number(record.chunk_count);
    decoder.number(record.start_time_ns);
    decoder.number(record.end_time_ns);
    decoder.counts(record.channel_message_counts);
    return decoder.extent();
}

McapExtent parse_key_index(std::span<const std::byte> content, std::vector<McapChunkKeys>& chunks) {
    RecordDecoder decoder(content);
    if (decoder.text_view() != kKeyIndexMark) {
        return std::nullopt;
    }
    RecordDecoder list(decoder.take_sized_32());
    chunks.clear();
    while (list.extent() && !list.is_at_end()) {
        auto& [chunk_offset, keys] = chunks.emplace_back();
        list.number(chunk_offset);
        list.number(keys.first_group);
        list.number(keys.last_group);
        list.number(keys.first_number);
        list.number(keys.last_number);
    }
    return list.extent() ? decoder.extent() : std::nullopt;
}

std::optional<std::uint64_t> find_chunk_bytes(std::span<const std::byte> head) noexcept {
    RecordDecoder decoder(head);
    decoder.take(8 + 8 + 8 + 4);
    decoder.take_sized_32();
    std::uint64_t records_bytes = 0;
    decoder.number(records_bytes);
    const std::uint64_t fields_bytes = decoder.position();
    if (!decoder.extent() ||
        records_bytes > std::numeric_limits<std::uint64_t>::max() - fields_bytes) {
        return std::nullopt;
    }
    return fields_bytes + records_bytes;
}

McapExtent parse_message_index(std::span<const std::byte> content) noexcept {
    RecordDecoder decoder(content);
    std::uint16_t channel_id = 0;
    decoder.number(channel_id);
    decoder.take_sized_32();
    return decoder.extent();
}

McapExtent parse_data_end(std::span<const std::byte> content,
                          std::uint32_t& data_section_crc) noexcept {
    RecordDecoder decoder(content);
    decoder.number(data_section_crc);
    return decoder.extent();
}

}  // namespace tamis::streams
