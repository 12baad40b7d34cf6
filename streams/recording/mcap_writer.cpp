#include "streams/recording/mcap_writer.hpp"

#include <algorithm>
#include <gsl/assert>
#include <limits>

namespace tamis::streams {

tl::expected<std::unique_ptr<McapWriter>, std::string> McapWriter::create(
    std::string_view path, const McapWriterOptions& options) {
    auto file = OutputFile::create(path, options.existing);
    if (!file) {
        return tl::unexpected(std::move(file.error()));
    }
    std::unique_ptr<McapWriter> writer(new McapWriter(std::move(*file), options));
    std::vector<std::byte> head(kMcapMagic.begin(), kMcapMagic.end());
    append_record(head, McapHeader{options.profile, options.library});
    if (writer->append({head}) != WriteStatus::written) {
        return tl::unexpected(writer->error() + "; free space or choose another disk");
    }
    return writer;
}

McapWriter::McapWriter(OutputFile file, const McapWriterOptions& options)
    : file_(std::move(file)), options_(options) {
    chunk_.reserve(options_.chunk_bytes + options_.chunk_bytes / 4);
}

std::uint16_t McapWriter::add_schema(std::string name, std::string encoding,
                                     std::span<const std::byte> contents) {
    Expects(schemas_.size() < std::numeric_limits<std::uint16_t>::max());
    const auto id = static_cast<std::uint16_t>(schemas_.size() + 1);
    schemas_.push_back(
        {{id, std::move(name), std::move(encoding), {contents.begin(), contents.end()}}, false});
    return id;
}

std::uint16_t McapWriter::add_channel(std::uint16_t schema_id, std::string topic,
                                      std::string message_encoding, McapTexts metadata) {
    Expects(channels_.size() <= std::numeric_limits<std::uint16_t>::max());
    Expects(schema_id <= schemas_.size());
    const auto id = static_cast<std::uint16_t>(channels_.size());
    Channel& channel = channels_.emplace_back();
    channel.record = {id, schema_id, std::move(topic), std::move(message_encoding),
                      std::move(metadata)};
    return id;
}

WriteStatus McapWriter::append(std::initializer_list<std::span<const std::byte>> pieces) noexcept {
    const WriteStatus status = file_.append(pieces);
    if (status == WriteStatus::written) {
        for (const std::span<const std::byte> piece : pieces) {
            data_crc_ = crc32(piece, data_crc_);
        }
    }
    return status;
}

void McapWriter::describe_channel(Channel& channel) {
    if (channel.record.schema_id != 0) {
        Schema& schema = schemas_[channel.record.schema_id - 1U];
        if (!schema.in_chunk) {
            append_record(chunk_, schema.record);
            schema.in_chunk = true;
        }
    }
    append_record(chunk_, channel.record);
    channel.in_chunk = true;
}

WriteStatus McapWriter::write(std::span<const McapMessage> messages) noexcept {
    if (sealed_ || chunk_.size() >= options_.chunk_bytes) {
        if (const WriteStatus status = flush(); status != WriteStatus::written) {
            return status;
        }
    }
    for (const McapMessage& message : messages) {
        add_message(message);
    }
    return WriteStatus::written;
}

void McapWriter::add_message(const McapMessage& message) noexcept {
    Expects(message.channel_id < channels_.size());
    Channel& channel = channels_[message.channel_id];
    if (!channel.in_chunk) {
        describe_channel(channel);
    }
    const std::uint64_t time_ns = message.log_time_ns;
    chunk_start_ns_ = chunk_messages_ == 0 ? time_ns : std::min(chunk_start_ns_, time_ns);
    chunk_end_ns_ = std::max(chunk_end_ns_, time_ns);
    channel.index.emplace_back(time_ns, chunk_.size());
    append_record(chunk_, message);
    ++chunk_messages_;
    if (message.key) {
        chunk_keys_.add(*message.key);
    }
    totals_.start_time_ns =
        totals_.message_count == 0 ? time_ns : std::min(totals_.start_time_ns, time_ns);
    totals_.end_time_ns = std::max(totals_.end_time_ns, time_ns);
    ++totals_.message_count;
    ++channel.message_count;
}

void McapWriter::seal_chunk() {
    McapChunk chunk;
    chunk.start_time_ns = chunk_start_ns_;
    chunk.end_time_ns = chunk_end_ns_;
    chunk.uncompressed_bytes = chunk_.size();
    chunk.uncompressed_crc = crc32(chunk_);
    chunk.compression = to_string(options_.compression);
    chunk.records = codec_.compress(chunk_, options_.compression, options_.zstd_level);
    sealed_prefix_.clear();
    append_chunk_prefix(sealed_prefix_, chunk);
    sealed_records_ = chunk.records;
    sealed_indexes_.clear();

    sealed_entry_ = {};
    sealed_entry_.start_time_ns = chunk.start_time_ns;
    sealed_entry_.end_time_ns = chunk.end_time_ns;
    sealed_entry_.chunk_offset = file_.size();
    sealed_entry_.chunk_bytes = sealed_prefix_.size() + chunk.records.size();
    sealed_entry_.compression = chunk.compression;
    sealed_entry_.compressed_bytes = chunk.records.size();
    sealed_entry_.uncompressed_bytes = chunk.uncompressed_bytes;
    for (const Channel& channel : channels_) {
        if (!channel.index.empty()) {
            sealed_entry_.message_index_offsets.emplace(
                channel.record.id,
                file_.size() + sealed_entry_.chunk_bytes + sealed_indexes_.size());
            append_message_index(sealed_indexes_, channel.record.id, channel.index);
        }
    }
    sealed_entry_.message_index_bytes = sealed_indexes_.size();
    sealed_ = true;
}

void McapWriter::start_chunk() noexcept {
    chunk_.clear();
    chunk_start_ns_ = 0;
    chunk_end_ns_ = 0;
    chunk_messages_ = 0;
    chunk_keys_ = {};
    for (Schema& schema : schemas_) {
        schema.in_chunk = false;
    }
    for (Channel& channel : channels_) {
        channel.in_chunk = false;
        channel.index.clear();
    }
}

WriteStatus McapWriter::flush() noexcept {
    if (!sealed_) {
        if (chunk_messages_ == 0) {
            return WriteStatus::written;
        }
        seal_chunk();
    }
    const WriteStatus status = append({sealed_prefix_, sealed_records_, sealed_indexes_});
    if (status == WriteStatus::written) {
        chunk_indexes_.push_back(sealed_entry_);
        if (options_.key_index == KeyIndex::by_chunk) {
            key_index_.push_back({sealed_entry_.chunk_offset, chunk_keys_});
        }
        sealed_ = false;
        start_chunk();
    }
    return status;
}

WriteStatus McapWriter::sync() noexcept {
    const WriteStatus status = flush();
    return status == WriteStatus::written ? file_.sync() : status;
}

WriteStatus McapWriter::add_attachment(const McapAttachment& attachment) {
    if (const WriteStatus status = flush(); status != WriteStatus::written) {
        return status;
    }
    std::vector<std::byte> record;
    append_record(record, attachment);
    const std::uint64_t offset = file_.size();
    const WriteStatus status = append({record});
    if (status == WriteStatus::written) {
        attachment_indexes_.push_back({offset, record.size(), attachment.log_time_ns,
                                       attachment.create_time_ns, attachment.contents.size(),
                                       attachment.name, attachment.media_type});
    }
    return status;
}

WriteStatus McapWriter::add_metadata(const McapMetadata& metadata) {
    if (const WriteStatus status = flush(); status != WriteStatus::written) {
        return status;
    }
    std::vector<std::byte> record;
    append_record(record, metadata);
    const std::uint64_t offset = file_.size();
    const WriteStatus status = append({record});
    if (status == WriteStatus::written) {
        metadata_indexes_.push_back({offset, record.size(), metadata.name});
    }
    return status;
}

namespace {

// Appends one group of the summary and notes where it lies.
template <typename Records, typename Projection>
void append_group(std::vector<std::byte>& out, std::uint64_t base, McapOpcode opcode,
                  const Records& records, Projection record_of,
                  std::vector<McapSummaryOffset>& offsets) {
    const std::size_t before = out.size();
    for (const auto& entry : records) {
        append_record(out, record_of(entry));
    }
    if (out.size() != before) {
        offsets.push_back({opcode, base + before, out.size() - before});
    }
}

}  // namespace

std::vector<std::byte> McapWriter::encode_ending(std::uint32_t& data_crc) const {
    std::vector<std::byte> out;
    // The summary may only repeat what the data section has: channels without a message go here.
    for (const Channel& channel : channels_) {
        if (channel.message_count == 0) {
            if (channel.record.schema_id != 0) {
                append_record(out, schemas_[channel.record.schema_id - 1U].record);
            }
            append_record(out, channel.record);
        }
    }
    data_crc = crc32(out, data_crc_);
    append_data_end(out, data_crc);
    const std::size_t summary_at = out.size();
    const std::uint64_t base = file_.size();
    McapStatistics statistics = totals_;
    statistics.schema_count = static_cast<std::uint16_t>(schemas_.size());
    statistics.channel_count = static_cast<std::uint32_t>(channels_.size());
    statistics.attachment_count = static_cast<std::uint32_t>(attachment_indexes_.size());
    statistics.metadata_count = static_cast<std::uint32_t>(metadata_indexes_.size());
    statistics.chunk_count = static_cast<std::uint32_t>(chunk_indexes_.size());
    for (const Channel& channel : channels_) {
        if (channel.message_count > 0) {
            statistics.channel_message_counts.emplace(channel.record.id, channel.message_count);
        }
    }
    const auto record = [](const auto& entry) -> const auto& { return entry.record; };
    const auto itself = [](const auto& entry) -> const auto& { return entry; };
    std::vector<McapSummaryOffset> offsets;
    append_group(out, base, McapOpcode::schema, schemas_, record, offsets);
    append_group(out, base, McapOpcode::channel, channels_, record, offsets);
    append_group(out, base, McapOpcode::statistics, std::span(&statistics, 1), itself, offsets);
    append_group(out, base, McapOpcode::chunk_index, chunk_indexes_, itself, offsets);
    append_group(out, base, McapOpcode::attachment_index, attachment_indexes_, itself, offsets);
    append_group(out, base, McapOpcode::metadata_index, metadata_indexes_, itself, offsets);
    if (!key_index_.empty()) {
        append_key_index(out, key_index_);
    }
    McapFooter footer{base + summary_at, base + out.size(), 0};
    for (const McapSummaryOffset& offset : offsets) {
        append_record(out, offset);
    }
    // The CRC covers the footer up to its own field.
    std::vector<std::byte> covered(out.begin() + static_cast<std::ptrdiff_t>(summary_at),
                                   out.end());
    append_record(covered, footer);
    covered.resize(covered.size() - sizeof(footer.summary_crc));
    footer.summary_crc = crc32(covered);
    append_record(out, footer);
    out.insert(out.end(), kMcapMagic.begin(), kMcapMagic.end());
    return out;
}

WriteStatus McapWriter::finish() noexcept {
    if (is_finished_) {
        return WriteStatus::written;
    }
    if (const WriteStatus status = flush(); status != WriteStatus::written) {
        return status;
    }
    std::uint32_t data_crc = 0;
    const WriteStatus status = file_.append({encode_ending(data_crc)});
    if (status == WriteStatus::written) {
        data_crc_ = data_crc;
        is_finished_ = true;
    }
    return status;
}

WriteStatus McapWriter::close() noexcept {
    const WriteStatus status = finish();
    return status == WriteStatus::written ? file_.close() : status;
}

}  // namespace tamis::streams
