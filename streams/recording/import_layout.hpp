// The files that an import reads: which layout one has, and its events. The layouts are described
// in json_event_source.hpp, table_event_source.hpp and hdf5_event_source.hpp. Cold path; one
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "streams/recording/event_source.hpp"
#include "streams/recording/hdf5_event_source.hpp"
#include "streams/recording/text_lines.hpp"

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
    tamis_ndjson,
    tamis_hdf5,
    adc2021,
};

// Names for a command line: "auto", "cms-ispy", ...
[[nodiscard]] std::string_view to_string(ImportLayout layout) noexcept;
[[nodiscard]] std::optional<ImportLayout> find_import_layout(std::string_view name) noexcept;
[[nodiscard]] std::span<const ImportLayout> import_layouts() noexcept;

[[nodiscard]] tl::expected<ImportLayout, std::string> detect_import_layout(const std::string& path);

class EventFile {
 public:
    // layout: not `detect`. An HDF5 file is read twice, the first time in a child process: the
    // library may crash on a damaged one.
    [[nodiscard]] static tl::expected<EventFile, std::string> open(const std::string& path,
                                                                   ImportLayout layout);

    [[nodiscard]] EventSource& source() noexcept { return *source_; }
    // Of what the source gave last; of an HDF5 file the row, from 1.
    [[nodiscard]] std::uint64_t line_number() const;
    // Bytes of the file, compressed; of an HDF5 file rows.
    [[nodiscard]] std::uint64_t read_so_far() const;
    [[nodiscard]] std::uint64_t total() const;
    // Empty while all is well.
    [[nodiscard]] const std::string& error() const;

 private:
    std::unique_ptr<TextLines> lines_;  // of text
    std::unique_ptr<EventSource> source_;
    Hdf5EventSource* hdf5_ = nullptr;  // the source, of HDF5
};

}  // namespace tamis::streams
