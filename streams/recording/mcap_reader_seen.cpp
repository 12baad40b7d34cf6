// What a reader keeps of the records that it passed.
#include <algorithm>
#include <utility>

#include "streams/recording/mcap_reader.hpp"

namespace tamis::streams {
namespace {

// Decodes a schema or channel and keeps it. A repetition must be the same as what is known.
template <typename Described>
McapExtent add_described(std::span<const std::byte> content,
                         std::map<std::uint16_t, Described>& known) {
    Described described;
    const McapExtent extent = parse_record(content, described);
    if (!extent) {
        return std::nullopt;
    }
    const std::uint16_t id = described.id;
    const auto found = known.find(id);
    if (found == known.end()) {
        known.emplace(id, std::move(described));
        return extent;
    }
    return found->second == described ? extent : std::nullopt;
}

}  // namespace

const McapChannel* McapReader::find_channel(std::uint16_t id) const noexcept {
    const auto found = seen_.channels.find(id);
    return found == seen_.channels.end() ? nullptr : &found->second;
}

const McapSchema* McapReader::find_schema(std::uint16_t id) const noexcept {
    const auto found = seen_.schemas.find(id);
    return found == seen_.schemas.end() ? nullptr : &found->second;
}

bool McapReader::read_message(std::span<const std::byte> content) {
    if (!parse_record(content, message_) || find_channel(message_.channel_id) == nullptr) {
        return false;
    }
    McapStatistics& statistics = seen_.statistics;
    const std::uint64_t time_ns = message_.log_time_ns;
    const bool is_first = statistics.message_count == 0;
    statistics.start_time_ns = is_first ? time_ns : std::min(statistics.start_time_ns, time_ns);
    statistics.end_time_ns = std::max(statistics.end_time_ns, time_ns);
    ++statistics.message_count;
    ++statistics.channel_message_counts[message_.channel_id];
    ++counts_.messages;
    counts_.message_bytes += message_.contents.size();
    return true;
}

McapExtent McapReader::add_schema(std::span<const std::byte> content) {
    const McapExtent extent = add_described(content, seen_.schemas);
    seen_.statistics.schema_count = static_cast<std::uint16_t>(seen_.schemas.size());
    return extent;
}

McapExtent McapReader::add_channel(std::span<const std::byte> content) {
    const McapExtent extent = add_described(content, seen_.channels);
    seen_.statistics.channel_count = static_cast<std::uint32_t>(seen_.channels.size());
    return extent;
}

McapExtent McapReader::note_attachment(const Record& record, std::span<const std::byte> content) {
    McapAttachment attachment;
    const McapExtent extent = parse_record(content, attachment);
    if (extent) {
        ++seen_.statistics.attachment_count;
        seen_.attachments.push_back({record.offset, kMcapPrefixBytes + content.size(),
                                     attachment.log_time_ns, attachment.create_time_ns,
                                     attachment.contents.size(), std::move(attachment.name),
                                     std::move(attachment.media_type)});
    }
    return extent;
}

McapExtent McapReader::note_metadata(const Record& record, std::span<const std::byte> content) {
    McapMetadata metadata;
    const McapExtent extent = parse_record(content, metadata);
    if (extent) {
        ++seen_.statistics.metadata_count;
        seen_.metadata.push_back(
            {record.offset, kMcapPrefixBytes + content.size(), std::move(metadata.name)});
    }
    return extent;
}

}  // namespace tamis::streams
