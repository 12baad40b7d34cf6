// What an MCAP file holds, by its summary section: found from the file's end, without reading the
// messages. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/input_file.hpp"
#include "streams/recording/mcap_format.hpp"

namespace tamis::streams {

struct McapContents {
    McapStatistics statistics;
    std::map<std::uint16_t, McapSchema> schemas;
    std::map<std::uint16_t, McapChannel> channels;
    std::vector<McapChunkIndex> chunks;
    std::vector<McapChunkKeys> chunk_keys;  // of files of Tamis, in the order of `chunks`; or none
    std::vector<McapAttachmentIndex> attachments;
    std::vector<McapMetadataIndex> metadata;
};

struct McapSummary {
    McapContents contents;
    std::uint64_t data_end_offset = 0;  // where the DataEnd record lies: the data section's end
    bool is_checked = false;            // by a CRC
};

// Absent: the file has no footer, no summary, or a CRC that does not hold.
[[nodiscard]] std::optional<McapSummary> read_mcap_summary(InputFile& file);

enum class McapEnding : std::uint8_t {
    absent,   // the last bytes are not those of a finished file
    good,     // footer and, where it has one, a summary whose CRC holds
    damaged,  // a footer, but what it points to is wrong
};
// after_data: offset after the DataEnd record.
[[nodiscard]] McapEnding check_mcap_ending(InputFile& file, std::uint64_t after_data);

// Errors: not there, damaged (its CRC is checked).
[[nodiscard]] tl::expected<std::vector<std::byte>, std::string> read_mcap_attachment(
    InputFile& file, const McapAttachmentIndex& index);
[[nodiscard]] tl::expected<McapMetadata, std::string> read_mcap_metadata(
    InputFile& file, const McapMetadataIndex& index);

}  // namespace tamis::streams
