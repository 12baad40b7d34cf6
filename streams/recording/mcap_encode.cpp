#include <bit>
#include <cstring>
#include <gsl/assert>
#include <limits>

#include "streams/recording/mcap_format.hpp"

namespace tamis::streams {
namespace {

static_assert(std::endian::native == std::endian::little, "integers are copied as they lie");

// Appends one record to a buffer; its length is filled in by close().
class RecordEncoder {
 public:
    RecordEncoder(std::vector<std::byte>& out, McapOpcode opcode) : out_(out), start_(out.size()) {
        number(static_cast<std::uint8_t>(opcode));
        number(std::uint64_t{0});
    }
    template <typename T>
    void number(T value) {
        const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    void raw(std::span<const std::byte> bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    void text(std::string_view value) {
        Expects(value.size() <= std::numeric_limits<std::uint32_t>::max());
        number(static_cast<std::uint32_t>(value.size()));
        raw(std::as_bytes(std::span(value)));
    }
    void texts(const McapTexts& values) {
        const std::size_t at = open_list();
        for (const auto& [key, value] : values) {
            text(key);
            text(value);
        }
        close_list(at);
    }
    void counts(const std::map<std::uint16_t, std::uint64_t>& values) {
        const std::size_t at = open_list();
        for (const auto& [key, value] : values) {
            number(key);
            number(value);
        }
        close_list(at);
    }
    std::size_t open_list() {
        number(std::uint32_t{0});
        return out_.size();
    }
    void close_list(std::size_t at) {
        const std::size_t bytes = out_.size() - at;
        Expects(bytes <= std::numeric_limits<std::uint32_t>::max());
        put(at - sizeof(std::uint32_t), static_cast<std::uint32_t>(bytes));
    }
    // trailing_bytes: of content that the caller appends itself.
    void close(std::uint64_t trailing_bytes = 0) {
        put(start_ + 1, content().size() + trailing_bytes);
    }
    [[nodiscard]] std::span<const std::byte> content() const {
        return std::span(out_).subspan(start_ + kMcapPrefixBytes);
    }

 private:
    template <typename T>
    void put(std::size_t at, T value) {
        std::memcpy(out_.data() + at, &value, sizeof(T));
    }

    std::vector<std::byte>& out_;
    std::size_t start_;
};

}  // namespace

void append_record(std::vector<std::byte>& out, const McapHeader& record) {
    RecordEncoder encoder(out, McapOpcode::header);
    encoder.text(record.profile);
    encoder.text(record.library);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapFooter& record) {
    RecordEncoder encoder(out, McapOpcode::footer);
    encoder.number(record.summary_start);
    encoder.number(record.summary_offset_start);
    encoder.number(record.summary_crc);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapSchema& record) {
    RecordEncoder encoder(out, McapOpcode::schema);
    encoder.number(record.id);
    encoder.text(record.name);
    encoder.text(record.encoding);
    encoder.number(static_cast<std::uint32_t>(record.contents.size()));
    encoder.raw(record.contents);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapChannel& record) {
    RecordEncoder encoder(out, McapOpcode::channel);
    encoder.number(record.id);
    encoder.number(record.schema_id);
    encoder.text(record.topic);
    encoder.text(record.message_encoding);
    encoder.texts(record.metadata);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapMessage& record) {
    RecordEncoder encoder(out, McapOpcode::message);
    encoder.number(record.channel_id);
    encoder.number(record.sequence);
    encoder.number(record.log_time_ns);
    encoder.number(record.publish_time_ns);
    encoder.raw(record.contents);
    encoder.close();
}

void append_chunk_prefix(std::vector<std::byte>& out, const McapChunk& chunk) {
    RecordEncoder encoder(out, McapOpcode::chunk);
    encoder.number(chunk.start_time_ns);
    encoder.number(chunk.end_time_ns);
    encoder.number(chunk.uncompressed_bytes);
    encoder.number(chunk.uncompressed_crc);
    encoder.text(chunk.compression);
    encoder.number(std::uint64_t{chunk.records.size()});
    encoder.close(chunk.records.size());
}

void append_message_index(std::vector<std::byte>& out, std::uint16_t channel_id,
                          std::span<const std::pair<std::uint64_t, std::uint64_t>> entries) {
    RecordEncoder encoder(out, McapOpcode::message_index);
    encoder.number(channel_id);
    const std::size_t list = encoder.open_list();
    for (const auto& [time_ns, offset] : entries) {
        encoder.number(time_ns);
        encoder.number(offset);
    }
    encoder.close_list(list);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapChunkIndex& record) {
    RecordEncoder encoder(out, McapOpcode::chunk_index);
    encoder.number(record.start_time_ns);
    encoder.number(record.end_time_ns);
    encoder.number(record.chunk_offset);
    encoder.number(record.chunk_bytes);
    encoder.counts(record.message_index_offsets);
    encoder.number(record.message_index_bytes);
    encoder.text(record.compression);
    encoder.number(record.compressed_bytes);
    encoder.number(record.uncompressed_bytes);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapAttachment& record) {
    RecordEncoder encoder(out, McapOpcode::attachment);
    encoder.number(record.log_time_ns);
    encoder.number(record.create_time_ns);
    encoder.text(record.name);
    encoder.text(record.media_type);
    encoder.number(std::uint64_t{record.contents.size()});
    encoder.raw(record.contents);
    encoder.number(crc32(encoder.content()));
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapAttachmentIndex& record) {
    RecordEncoder encoder(out, McapOpcode::attachment_index);
    encoder.number(record.offset);
    encoder.number(record.record_bytes);
    encoder.number(record.log_time_ns);
    encoder.number(record.create_time_ns);
    encoder.number(record.content_bytes);
    encoder.text(record.name);
    encoder.text(record.media_type);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapMetadata& record) {
    RecordEncoder encoder(out, McapOpcode::metadata);
    encoder.text(record.name);
    encoder.texts(record.texts);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapMetadataIndex& record) {
    RecordEncoder encoder(out, McapOpcode::metadata_index);
    encoder.number(record.offset);
    encoder.number(record.record_bytes);
    encoder.text(record.name);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapStatistics& record) {
    RecordEncoder encoder(out, McapOpcode::statistics);
    encoder.number(record.message_count);
    encoder.number(record.schema_count);
    encoder.number(record.channel_count);
    encoder.number(record.attachment_count);
    encoder.number(record.metadata_count);
    encoder.number(record.chunk_count);
    encoder.number(record.start_time_ns);
    encoder.number(record.end_time_ns);
    encoder.counts(record.channel_message_counts);
    encoder.close();
}

void append_key_index(std::vector<std::byte>& out, std::span<const McapChunkKeys> chunks) {
    RecordEncoder encoder(out, McapOpcode::key_index);
    encoder.text(kKeyIndexMark);
    const std::size_t list = encoder.open_list();
    for (const auto& [chunk_offset, keys] : chunks) {
        encoder.number(chunk_offset);
        encoder.number(keys.first_group);
        encoder.number(keys.last_group);
        encoder.number(keys.first_number);
        encoder.number(keys.last_number);
    }
    encoder.close_list(list);
    encoder.close();
}

void append_record(std::vector<std::byte>& out, const McapSummaryOffset& record) {
    RecordEncoder encoder(out, McapOpcode::summary_offset);
    encoder.number(static_cast<std::uint8_t>(record.group));
    encoder.number(record.group_start);
    encoder.number(record.group_bytes);
    encoder.close();
}

void append_data_end(std::vector<std::byte>& out, std::uint32_t data_section_crc) {
    RecordEncoder encoder(out, McapOpcode::data_end);
    encoder.number(data_section_crc);
    encoder.close();
}

}  // namespace tamis::streams
