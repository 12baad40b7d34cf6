#include "streams/recording/record_finder.hpp"

#include <algorithm>

#include "streams/recording/mcap_contents.hpp"
#include "streams/recording/mcap_format.hpp"

namespace tamis::streams {
namespace {

bool is_of_data_section(McapOpcode opcode) {
    switch (opcode) {
        case McapOpcode::schema:
        case McapOpcode::channel:
        case McapOpcode::message:
        case McapOpcode::chunk:
        case McapOpcode::message_index:
        case McapOpcode::attachment:
        case McapOpcode::metadata:
        case McapOpcode::data_end:
            return true;
        default:
            return is_application_record(opcode);
    }
}

// A few bytes of chance look like a record more often than like one that another one follows. What
// follows may be cut, and after the data's end it is no record of the data section.
bool is_plausible(InputFile& file, std::uint64_t offset) {
    if (offset == file.size()) {
        return true;
    }
    const auto bytes = file.copy(offset, kMcapPrefixBytes);
    if (!bytes) {
        return false;
    }
    const McapPrefix prefix = parse_prefix(std::span(*bytes).first<kMcapPrefixBytes>());
    if (!is_of_data_section(prefix.opcode) ||
        !file.has(offset + kMcapPrefixBytes, prefix.content_bytes)) {
        return false;
    }
    const auto next = file.copy(offset + kMcapPrefixBytes + prefix.content_bytes, 1);
    return !next || prefix.opcode == McapOpcode::data_end ||
           is_of_data_section(static_cast<McapOpcode>((*next)[0]));
}

}  // namespace

const RecordFinder::Index& RecordFinder::index_of(InputFile& file) {
    if (index_) {
        return *index_;
    }
    index_.emplace();
    const auto summary = read_mcap_summary(file);
    if (!summary || !summary->is_checked) {
        return *index_;
    }
    auto& [chunks, boundaries] = *index_;
    for (const McapChunkIndex& chunk : summary->contents.chunks) {
        chunks.push_back(chunk.chunk_offset);
        const std::uint64_t end = chunk.chunk_offset + chunk.chunk_bytes;
        boundaries.insert(boundaries.end(), {end, end + chunk.message_index_bytes});
        for (const auto& [channel, offset] : chunk.message_index_offsets) {
            boundaries.push_back(offset);
        }
    }
    for (const McapAttachmentIndex& attachment : summary->contents.attachments) {
        boundaries.insert(boundaries.end(),
                          {attachment.offset, attachment.offset + attachment.record_bytes});
    }
    for (const McapMetadataIndex& metadata : summary->contents.metadata) {
        boundaries.insert(boundaries.end(),
                          {metadata.offset, metadata.offset + metadata.record_bytes});
    }
    chunks.push_back(summary->data_end_offset);
    boundaries.insert(boundaries.end(), chunks.begin(), chunks.end());
    std::sort(chunks.begin(), chunks.end());
    std::sort(boundaries.begin(), boundaries.end());
    return *index_;
}

bool RecordFinder::is_end(InputFile& file, std::uint64_t outer, std::uint64_t inner) {
    const auto& boundaries = index_of(file).boundaries;
    const auto is_known = [&](std::uint64_t offset) {
        return std::binary_search(boundaries.begin(), boundaries.end(), offset);
    };
    return is_known(outer) || (!is_known(inner) && is_plausible(file, outer));
}

std::optional<std::uint64_t> RecordFinder::find_after(
    InputFile& file, std::uint64_t offset,
    std::initializer_list<std::optional<std::uint64_t>> candidates) {
    const auto& chunks = index_of(file).chunks;
    const auto found = std::upper_bound(chunks.begin(), chunks.end(), offset);
    if (found != chunks.end() && is_plausible(file, *found)) {
        return *found;
    }
    for (const auto& candidate : candidates) {
        if (candidate && is_plausible(file, *candidate)) {
            return candidate;
        }
    }
    return std::nullopt;
}

}  // namespace tamis::streams
