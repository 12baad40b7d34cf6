#include "streams/recording/mcap_reader.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace tamis::streams {
namespace {

// A summary of another program may leave out anything.
bool has_all(const McapContents& contents) {
    const McapStatistics& statistics = contents.statistics;
    return !contents.chunks.empty() && statistics.chunk_count == contents.chunks.size() &&
           statistics.channel_count == contents.channels.size() &&
           statistics.schema_count == contents.schemas.size();
}

// By its message indexes; a chunk without any says nothing.
bool may_have_topics(const McapChunkIndex& chunk, const McapContents& contents,
                     const std::vector<std::string>& topics) {
    const auto is_wanted = [&](const auto& indexed) {
        const auto channel = contents.channels.find(indexed.first);
        return channel == contents.channels.end() ||
               std::find(topics.begin(), topics.end(), channel->second.topic) != topics.end();
    };
    return topics.empty() || chunk.message_index_offsets.empty() ||
           std::any_of(chunk.message_index_offsets.begin(), chunk.message_index_offsets.end(),
                       is_wanted);
}

}  // namespace

std::string_view to_string(ReadEnd end) noexcept {
    switch (end) {
        case ReadEnd::reading:
            return "reading";
        case ReadEnd::complete:
            return "complete";
        case ReadEnd::torn:
            return "torn";
        case ReadEnd::damaged:
            return "damaged";
    }
    return "unknown";
}

tl::expected<McapReader, std::string> McapReader::open(std::string_view path,
                                                       const McapLimits& limits) {
    auto file = InputFile::open(path);
    if (!file) {
        return tl::unexpected(std::move(file.error()));
    }
    return start(std::move(*file), limits);
}

tl::expected<McapReader, std::string> McapReader::from_bytes(std::span<const std::byte> bytes,
                                                             const McapLimits& limits) {
    return start(InputFile(bytes), limits);
}

tl::expected<McapReader, std::string> McapReader::start(InputFile file, const McapLimits& limits) {
    McapReader reader(std::move(file), limits);
    const auto magic = reader.file_.view(0, kMcapMagic.size());
    if (!std::equal(magic.begin(), magic.end(), kMcapMagic.begin(), kMcapMagic.end())) {
        return tl::unexpected("cannot read " + reader.path() +
                              " (not an MCAP file: it does not begin with its magic bytes)");
    }
    reader.data_crc_ = crc32(magic);
    reader.offset_ = kMcapMagic.size();
    reader.read_header();
    return reader;
}

McapReader::McapReader(InputFile file, const McapLimits& limits)
    : file_(std::move(file)), limits_(limits), codec_(std::make_unique<ChunkCodec>()) {}

void McapReader::read_header() {
    const auto prefix_bytes = file_.view(offset_, kMcapPrefixBytes);
    if (prefix_bytes.empty()) {
        return;  // the first next() finds the end
    }
    if (parse_prefix(prefix_bytes.first<kMcapPrefixBytes>()).opcode != McapOpcode::header) {
        note_damage(offset_, "no header");
        return;
    }
    next_record();
}

void McapReader::select(const ChunkSelection& selection) {
    selection_ = selection;
    const auto summary = read_mcap_summary(file_);
    if (!summary || !summary->is_checked || !has_all(summary->contents)) {
        return;
    }
    const McapContents& contents = summary->contents;
    std::vector<std::uint64_t> selected;
    for (std::size_t index = 0; index < contents.chunks.size(); ++index) {
        const McapChunkIndex& chunk = contents.chunks[index];
        const bool has_keys = !selection.keys || contents.chunk_keys.empty() ||
                              contents.chunk_keys[index].keys.overlaps(*selection.keys);
        if (is_selected(chunk.start_time_ns, chunk.end_time_ns) && has_keys &&
            may_have_topics(chunk, contents, selection.topics)) {
            selected.push_back(chunk.chunk_offset);
        }
    }
    if (selected.size() == contents.chunks.size()) {
        return;  // then end() can vouch for all of the file
    }
    // A chunk passed over may be the one that describes a channel.
    seen_.schemas = contents.schemas;
    seen_.channels = contents.channels;
    std::sort(selected.begin(), selected.end(), std::greater<>());
    selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
    selected_ = std::move(selected);
}

bool McapReader::is_selected(std::uint64_t first_ns, std::uint64_t last_ns) const noexcept {
    return last_ns >= selection_.from_ns && first_ns < selection_.until_ns;
}

// False at the end of what was selected.
bool McapReader::go_to_selected() {
    if (selected_->empty()) {
        end_ = end_reason_.empty() ? ReadEnd::complete : ReadEnd::damaged;
        return false;
    }
    offset_ = selected_->back();
    selected_->pop_back();
    return true;
}

const McapMessage* McapReader::next() {
    message_ = {};
    while (end_ == ReadEnd::reading) {
        if (next_in_chunk()) {
            return &message_;
        }
        if (chunk_.empty() && next_record()) {
            return &message_;
        }
    }
    return nullptr;
}

// The next message of the open chunk; false leaves the chunk empty.
bool McapReader::next_in_chunk() {
    while (chunk_.size() >= kMcapPrefixBytes) {
        const McapPrefix prefix = parse_prefix(chunk_.first<kMcapPrefixBytes>());
        if (prefix.content_bytes > chunk_.size() - kMcapPrefixBytes) {
            break;
        }
        const auto content = chunk_.subspan(kMcapPrefixBytes, prefix.content_bytes);
        chunk_ = chunk_.subspan(kMcapPrefixBytes + prefix.content_bytes);
        bool is_good = true;
        if (prefix.opcode == McapOpcode::message) {
            if (read_message(content)) {
                return true;
            }
            is_good = false;
        } else if (prefix.opcode == McapOpcode::schema) {
            is_good = add_schema(content).has_value();
        } else if (prefix.opcode == McapOpcode::channel) {
            is_good = add_channel(content).has_value();
        } else {
            ++counts_.unknown_records;
        }
        if (!is_good) {
            ++counts_.damaged_records;
            note_damage(offset_, "a wrong record in the chunk before");
        }
    }
    if (!chunk_.empty()) {
        ++counts_.damaged_records;
        note_damage(offset_, "a cut record in the chunk before");
        chunk_ = {};
    }
    return false;
}

// Reads one record of the data section; true when it was a message.
bool McapReader::next_record() {
    if (selected_ && !go_to_selected()) {
        return false;
    }
    const auto prefix_bytes = file_.view(offset_, kMcapPrefixBytes);
    if (prefix_bytes.empty()) {
        finish("the file ends before its data does");
        return false;
    }
    const McapPrefix prefix = parse_prefix(prefix_bytes.first<kMcapPrefixBytes>());
    const std::uint64_t content_offset = offset_ + kMcapPrefixBytes;
    const bool fits = file_.has(content_offset, prefix.content_bytes);
    Record record;
    record.opcode = prefix.opcode;
    record.offset = offset_;
    if (fits) {
        record.outer_end = content_offset + prefix.content_bytes;
    }
    if (prefix.opcode == McapOpcode::chunk) {
        read_chunk(record);
        move_past(record);
        return false;
    }
    if (!fits || prefix.content_bytes > limits_.record_bytes) {
        move_past(record);
        return false;
    }
    // Prefix and content in one view, which the data section's CRC needs together.
    const auto bytes = file_.view(offset_, kMcapPrefixBytes + prefix.content_bytes);
    if (bytes.empty()) {
        finish(file_.error());
        return false;
    }
    const auto content = bytes.subspan(kMcapPrefixBytes);
    if (prefix.opcode == McapOpcode::data_end && content.size() == sizeof(std::uint32_t)) {
        read_data_end(content);
        return false;
    }
    data_crc_ = crc32(bytes, data_crc_);
    // A message here has no CRC of its own. It counts only in a file that never had a chunk and
    // where nothing was wrong so far, so that a damaged byte cannot make one up.
    const bool is_message = prefix.opcode == McapOpcode::message && seen_.chunks.empty() &&
                            end_reason_.empty() && read_message(content);
    if (is_message) {
        offset_ = *record.outer_end;
    } else {
        read_content(record, content);
        move_past(record);
    }
    return is_message;
}

// Every record but chunks, messages and the end of the data.
void McapReader::read_content(Record& record, std::span<const std::byte> content) {
    McapExtent extent;
    switch (record.opcode) {
        case McapOpcode::header:
            if (record.offset == kMcapMagic.size()) {
                extent = parse_record(content, header_);
            }
            break;
        case McapOpcode::schema:
            extent = add_schema(content);
            break;
        case McapOpcode::channel:
            extent = add_channel(content);
            break;
        case McapOpcode::message_index:
            extent = parse_message_index(content);
            break;
        case McapOpcode::attachment:
            extent = note_attachment(record, content);
            break;
        case McapOpcode::metadata:
            extent = note_metadata(record, content);
            break;
        default:
            if (is_application_record(record.opcode)) {
                ++counts_.unknown_records;
                extent = content.size();
            }
            break;
    }
    record.is_good = extent.has_value();
    if (extent) {
        record.inner_end = record.offset + kMcapPrefixBytes + *extent;
    }
}

// A chunk names its length twice; where the outer one is damaged, the inner one and the CRC still
// find its records.
void McapReader::read_chunk(Record& record) {
    const std::uint64_t content_offset = record.offset + kMcapPrefixBytes;
    const std::uint64_t rest = file_.size() - content_offset;
    const auto content_bytes = find_chunk_bytes(
        file_.view(content_offset, std::min<std::uint64_t>(kMcapChunkHeadBytes, rest)));
    if (!content_bytes || *content_bytes > rest || *content_bytes > limits_.record_bytes) {
        return;
    }
    record.inner_end = content_offset + *content_bytes;
    const bool is_exact = record.inner_end == record.outer_end;
    const bool is_extended = record.outer_end && *record.outer_end > *record.inner_end &&
                             *record.outer_end - content_offset <= limits_.record_bytes;
    const auto bytes = file_.view(
        record.offset, (is_extended ? *record.outer_end : *record.inner_end) - record.offset);
    McapChunk chunk;
    if (bytes.empty() || !parse_record(bytes.subspan(kMcapPrefixBytes), chunk)) {
        return;
    }
    // Where the lengths differ and no CRC decides, a record must follow the fields that were added;
    // nothing speaks for a chunk of zeros.
    const bool is_believed = is_exact || chunk.uncompressed_crc != 0 ||
                             (is_extended && !chunk.records.empty() &&
                              finder_.is_end(file_, *record.outer_end, *record.inner_end));
    // Of another program it may be the one that describes a channel.
    const bool is_needed =
        header_.profile != kTamisProfile || is_selected(chunk.start_time_ns, chunk.end_time_ns);
    record.is_good = is_believed && (!is_needed || open_chunk(chunk));
    if (record.is_good) {
        data_crc_ = crc32(bytes, data_crc_);
        ++counts_.chunks;
        ++seen_.statistics.chunk_count;
        McapChunkIndex& index = seen_.chunks.emplace_back();
        index.start_time_ns = chunk.start_time_ns;
        index.end_time_ns = chunk.end_time_ns;
        index.chunk_offset = record.offset;
        index.chunk_bytes = bytes.size();
        index.compression = chunk.compression;
        index.compressed_bytes = chunk.records.size();
        index.uncompressed_bytes = chunk.uncompressed_bytes;
    }
}

bool McapReader::open_chunk(const McapChunk& chunk) {
    const auto compression = find_compression(chunk.compression);
    if (!compression || chunk.uncompressed_bytes > limits_.chunk_bytes) {
        return false;
    }
    const auto records = codec_->decompress(chunk.records, *compression, chunk.uncompressed_bytes);
    if (!records || (chunk.uncompressed_crc != 0 && crc32(*records) != chunk.uncompressed_crc)) {
        return false;
    }
    chunk_ = *records;
    return true;
}

void McapReader::read_data_end(std::span<const std::byte> content) {
    std::uint32_t expected_crc = 0;
    static_cast<void>(parse_data_end(content, expected_crc));
    if (expected_crc != 0 && expected_crc != data_crc_) {
        note_damage(offset_, "the data section's CRC does not hold");
    }
    const std::uint64_t after_data = offset_ + kMcapPrefixBytes + content.size();
    const McapEnding ending = check_mcap_ending(file_, after_data);
    if (ending == McapEnding::damaged) {
        note_damage(after_data, "the summary section is damaged");
    }
    if (ending == McapEnding::good && end_reason_.empty()) {
        offset_ = file_.size();
        end_ = ReadEnd::complete;
        return;
    }
    finish("the file ends in its summary section");
}

// Goes to the next record, behind damage if need be.
void McapReader::move_past(const Record& record) {
    if (record.is_good && record.inner_end == record.outer_end) {
        offset_ = *record.outer_end;
        return;
    }
    // Fields that a later version appended.
    if (record.is_good && record.outer_end && record.inner_end < record.outer_end &&
        finder_.is_end(file_, *record.outer_end, *record.inner_end)) {
        offset_ = *record.outer_end;
        return;
    }
    const bool is_cut = !record.outer_end && !record.inner_end;
    if (is_cut && check_mcap_ending(file_, 0) == McapEnding::absent) {
        finish("the file ends within the record at byte " + std::to_string(record.offset));
        return;
    }
    if (!record.is_good) {
        ++(record.opcode == McapOpcode::chunk ? counts_.damaged_chunks : counts_.damaged_records);
    }
    note_damage(record.offset, "a damaged record");
    const auto next =
        finder_.find_after(file_, record.offset, {record.outer_end, record.inner_end});
    if (next) {
        offset_ = *next;
    } else {
        finish("no record can be found after the damage");
    }
}

void McapReader::note_damage(std::uint64_t offset, std::string_view what) {
    if (end_reason_.empty()) {
        end_reason_ = std::string(what) + " at byte " + std::to_string(offset);
    }
}

void McapReader::finish(std::string_view why) {
    const bool is_undamaged = end_reason_.empty() && file_.error().empty();
    end_ = is_undamaged && check_mcap_ending(file_, 0) == McapEnding::absent ? ReadEnd::torn
                                                                             : ReadEnd::damaged;
    if (end_reason_.empty()) {
        end_reason_ = why;
    }
}

}  // namespace tamis::streams
