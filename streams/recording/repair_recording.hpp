// Makes a whole file of a torn or damaged one: every message that can be trusted, in its order, and
// the attachments and metadata that are whole, with new indexes and a new summary. Cold path.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "streams/recording/mcap_reader.hpp"
#include "streams/recording/mcap_writer.hpp"

namespace tamis::streams {

struct RepairOptions {
    std::string input;   // any MCAP file
    std::string output;  // another file
    McapWriterOptions container;
    McapLimits limits;
    // Makes the output's key index; may be empty.
    std::function<std::optional<McapKey>(const McapReader&, const McapMessage&)> key_of;
    std::function<void(std::uint64_t messages)> progress;  // may be empty
};

struct RepairSummary {
    ReadEnd end = ReadEnd::complete;  // of the input
    std::string end_reason;
    McapReadCounts counts;
    std::uint64_t attachments = 0;
    std::uint64_t metadata = 0;
    std::uint64_t lost_labels = 0;  // attachments and metadata that cannot be read
    std::uint64_t output_bytes = 0;
};

// The output says in the metadata record "tamis.repair" what the input was. Errors: the input is no
// MCAP file, the output cannot be written.
[[nodiscard]] tl::expected<RepairSummary, std::string> repair_recording(
    const RepairOptions& options);

}  // namespace tamis::streams
