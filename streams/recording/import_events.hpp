// Imports the events of other experiments' files into a recording of fragments. Cold path; one
// thread. The layouts are described in json_event_source.hpp and table_event_source.hpp.
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
#include "streams/recording/mcap_writer.hpp"

namespace tamis::streams {

enum class ImportLayout : std::uint8_t {
    detect,  // by the fields of the file's first row; W events also need the file's name
    cms_ispy,
    cms_heptutorial,
    atlas_4lep,
    cms_four_lepton,
    cms_dielectron,
    cms_dimuon,
    cms_w_electron,
    cms_w_muon,
    atlas_rings,
};

// Names for a command line: "auto", "cms-ispy", ...
[[nodiscard]] std::string_view to_string(ImportLayout layout) noexcept;
[[nodiscard]] std::optional<ImportLayout> find_import_layout(std::string_view name) noexcept;
[[nodiscard]] std::span<const ImportLayout> import_layouts() noexcept;

enum class BadRows : std::uint8_t {
    skip,    // counted, the first ones described
    refuse,  // the first one ends the import with an error
};

struct ImportProgress {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_total = 0;
    std::uint64_t event_count = 0;
};

struct ImportOptions {
    std::string input;   // text, or gzip of it
    std::string output;  // the recording, topic "fragments"
    ImportLayout layout = ImportLayout::detect;
    ImportSplit split = ImportSplit::one_source;
    BadRows bad_rows = BadRows::skip;
    std::uint64_t most_events = UINT64_MAX;
    McapWriterOptions container;
    std::function<void(const ImportProgress&)> progress;  // every 256 events; may be empty
};

struct ImportSummary {
    ImportLayout layout = ImportLayout::detect;
    std::uint64_t event_count = 0;
    std::uint64_t fragment_count = 0;
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
