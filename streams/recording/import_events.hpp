// Imports the events of other experiments' files into a recording of fragments. Cold path; one
// thread. The layouts are described in import_layout.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/event_fragments.hpp"
#include "streams/recording/import_layout.hpp"
#include "streams/recording/mcap_writer.hpp"

namespace tamis::streams {

enum class BadRows : std::uint8_t {
    skip,    // counted, the first ones described
    refuse,  // the first one ends the import with an error
};

struct ImportProgress {
    std::uint64_t read = 0;  // bytes of the file; rows of an HDF5 file
    std::uint64_t total = 0;
    std::uint64_t event_count = 0;
};

struct ImportOptions {
    std::string input;   // text, gzip of it, or HDF5
    std::string output;  // the recording, topic "fragments"
    ImportLayout layout = ImportLayout::detect;
    ImportSplit split = ImportSplit::one_source;
    BadRows bad_rows = BadRows::skip;
    std::uint64_t most_events = UINT64_MAX;
    // Goes on where an import of the same file was broken off: what it wrote stays, the rest goes
    // to the recording's next file (recording_files.hpp).
    bool resumes = false;
    McapWriterOptions container;
    std::function<void(const ImportProgress&)> progress;  // every 256 events; may be empty
};

struct ImportSummary {
    ImportLayout layout = ImportLayout::detect;
    std::uint64_t event_count = 0;
    std::uint64_t fragment_count = 0;
    std::uint64_t resumed_count = 0;  // events that were there before
    std::uint64_t bad_row_count = 0;
    std::vector<std::string> problems;  // of the first 20 bad rows: "file:line: column NAME: what"
    std::uint64_t output_bytes = 0;
};

// A fragment's time is the collision's, or 0 where the file has none; the recording then places the
// events one millisecond apart, from 0. An event number that the run had before is a bad row.
// Errors: a file that cannot be read or written, an unknown layout, a bad row (BadRows::refuse), no
// event at all.
[[nodiscard]] tl::expected<ImportSummary, std::string> import_events(const ImportOptions& options);

}  // namespace tamis::streams
