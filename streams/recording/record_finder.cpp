#include "streams/recording/record_finder.hpp"

#include <algorithm>

#include "streams/recording/mcap_contents.hpp"
#include "streams/recording/mcap_format.hpp"

namespace tamis::streams {
namespace {

std::vector<std::uint64_t> read_index(InputFile& file) {
    std::vector<std::uint64_t> offsets;
    const auto summary = read_mcap_summary(file);
    if (summary && summary->is_checked) {
        for (const McapChunkIndex& chunk : summary->contents.chunks) {
            offsets.push_back(chunk.chunk_offset);
        }
        offsets.push_back(summary->data_end_offset);
        std::sort(offsets.begin(), offsets.end());
    }
    return offsets;
}

}  // namespace

bool RecordFinder::is_plausible(InputFile& file, std::uint64_t offset) const {
    if (offset == file.size()) {
        return true;
    }
    const auto bytes = file.copy(offset, kMcapPrefixBytes);
    if (!bytes) {
        return false;
    }
    const McapPrefix prefix = parse_prefix(std::span(*bytes).first<kMcapPrefixBytes>());
    if (!file.has(offset + kMcapPrefixBytes, prefix.content_bytes)) {
        return false;
    }
    switch (prefix.opcode) {
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
            return is_application_record(prefix.opcode);
    }
}

std::optional<std::uint64_t> RecordFinder::find_after(
    InputFile& file, std::uint64_t offset,
    std::initializer_list<std::optional<std::uint64_t>> candidates) {
    if (!indexed_) {
        indexed_ = read_index(file);
    }
    const auto found = std::upper_bound(indexed_->begin(), indexed_->end(), offset);
    if (found != indexed_->end() && is_plausible(file, *found)) {
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
