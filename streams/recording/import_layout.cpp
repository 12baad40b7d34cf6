#include "streams/recording/import_layout.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "streams/recording/json_event_source.hpp"
#include "streams/recording/table_event_source.hpp"
#include "streams/recording/table_rows.hpp"
#include "streams/rehearsal.hpp"

namespace tamis::streams {
namespace {

constexpr std::array kLayouts = {
    ImportLayout::detect,      ImportLayout::cms_ispy,        ImportLayout::cms_heptutorial,
    ImportLayout::atlas_4lep,  ImportLayout::cms_four_lepton, ImportLayout::cms_dielectron,
    ImportLayout::cms_dimuon,  ImportLayout::cms_w_electron,  ImportLayout::cms_w_muon,
    ImportLayout::atlas_rings, ImportLayout::tamis_ndjson,    ImportLayout::tamis_hdf5,
    ImportLayout::adc2021,
};
constexpr std::array<std::string_view, kLayouts.size()> kNames = {
    "auto",           "cms-ispy",   "cms-heptutorial", "atlas-4lep", "cms-four-lepton",
    "cms-dielectron", "cms-dimuon", "cms-w-electron",  "cms-w-muon", "atlas-rings",
    "tamis-ndjson",   "tamis-hdf5", "adc2021",
};

}  // namespace

std::string_view to_string(ImportLayout layout) noexcept {
    return kNames[static_cast<std::size_t>(layout)];
}

std::optional<ImportLayout> find_import_layout(std::string_view name) noexcept {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    return found == kNames.end()
               ? std::nullopt
               : std::optional(
                     kLayouts[static_cast<std::size_t>(std::distance(kNames.begin(), found))]);
}

std::span<const ImportLayout> import_layouts() noexcept { return kLayouts; }

namespace {

std::string list_layouts() {
    std::string text;
    for (const std::string_view name : kNames) {
        text.append(text.empty() ? "" : ", ").append(name);
    }
    return text;
}

// By the first row, of a file of its own, so that the import starts at the begin.
tl::expected<ImportLayout, std::string> detect_text_layout(const std::string& path) {
    auto lines = TextLines::open(path);
    if (!lines) {
        return tl::unexpected(std::move(lines.error()));
    }
    TableRows rows(*lines);
    rows.next();
    const auto has = [&](std::initializer_list<std::string_view> columns) {
        return std::all_of(columns.begin(), columns.end(),
                           [&](std::string_view column) { return rows.has_column(column); });
    };
    if (has({"event", "electrons", "muons", "jets"})) {
        return ImportLayout::tamis_ndjson;
    }
    if (has({"jets", "ele", "mu", "tracks"})) {
        return ImportLayout::cms_ispy;
    }
    if (has({"proc", "npv", "jet", "mu"})) {
        return ImportLayout::cms_heptutorial;
    }
    if (has({"lep", "jet", "met", "run"})) {
        return ImportLayout::atlas_4lep;
    }
    if (has({"l2_et_mev", "ring0", "ring99"})) {
        return ImportLayout::atlas_rings;
    }
    if (has({"PID1", "PID4"})) {
        return ImportLayout::cms_four_lepton;
    }
    if (has({"pt1", "pt2", "isoEcal1"}) || rows.text("Type") == "GSF-GSF") {
        return ImportLayout::cms_dielectron;
    }
    if (has({"pt1", "pt2", "dxy1"}) || (has({"pt1", "pt2"}) && rows.text("Type").size() == 2)) {
        return ImportLayout::cms_dimuon;
    }
    std::string reason = "no known layout";
    if (has({"pt", "MET", "phiMET"})) {
        const std::string name = std::filesystem::path(path).filename().string();
        if (name.find("enu") != std::string::npos) {
            return ImportLayout::cms_w_electron;
        }
        if (name.find("munu") != std::string::npos) {
            return ImportLayout::cms_w_muon;
        }
        reason = "one lepton and missing energy, but the file does not say which lepton";
    }
    if (!lines->error().empty()) {
        return tl::unexpected(lines->error());
    }
    return tl::unexpected("cannot import " + path + " (" + reason +
                          "); name its layout, one of: " + list_layouts());
}

tl::expected<std::unique_ptr<EventSource>, std::string> open_text_source(TextLines& lines,
                                                                         ImportLayout layout) {
    switch (layout) {
        case ImportLayout::cms_ispy:
            return make_json_event_source(lines, JsonLayout::cms_ispy);
        case ImportLayout::cms_heptutorial:
            return make_json_event_source(lines, JsonLayout::cms_heptutorial);
        case ImportLayout::atlas_4lep:
            return make_json_event_source(lines, JsonLayout::atlas_4lep);
        case ImportLayout::tamis_ndjson:
            return make_json_event_source(lines, JsonLayout::tamis_ndjson);
        case ImportLayout::cms_four_lepton:
            return make_table_event_source(lines, TableLayout::cms_four_lepton);
        case ImportLayout::cms_dielectron:
            return make_table_event_source(lines, TableLayout::cms_dielectron);
        case ImportLayout::cms_dimuon:
            return make_table_event_source(lines, TableLayout::cms_dimuon);
        case ImportLayout::cms_w_electron:
            return make_table_event_source(lines, TableLayout::cms_w_electron);
        case ImportLayout::cms_w_muon:
            return make_table_event_source(lines, TableLayout::cms_w_muon);
        case ImportLayout::atlas_rings:
            return make_table_event_source(lines, TableLayout::atlas_rings);
        case ImportLayout::detect:
        case ImportLayout::tamis_hdf5:
        case ImportLayout::adc2021:
            break;
    }
    return tl::unexpected(std::string("no layout"));
}

constexpr const char* kHdf5Library = "the HDF5 library";

void read_to_end(const std::string& path, Hdf5Layout layout) {
    const auto source = make_hdf5_event_source(path, layout);
    while (source && (*source)->next([](const RowProblem&) {})) {
    }
}

}  // namespace

tl::expected<ImportLayout, std::string> detect_import_layout(const std::string& path) {
    if (!is_hdf5_file(path)) {
        return detect_text_layout(path);
    }
    const auto rehearsed =
        rehearse(path, kHdf5Library, [&path] { static_cast<void>(detect_hdf5_layout(path)); });
    if (!rehearsed) {
        return tl::unexpected(rehearsed.error());
    }
    return detect_hdf5_layout(path).map([](Hdf5Layout layout) {
        return layout == Hdf5Layout::adc2021 ? ImportLayout::adc2021 : ImportLayout::tamis_hdf5;
    });
}

tl::expected<EventFile, std::string> EventFile::open(const std::string& path, ImportLayout layout) {
    EventFile file;
    if (layout == ImportLayout::tamis_hdf5 || layout == ImportLayout::adc2021) {
        const Hdf5Layout tables =
            layout == ImportLayout::adc2021 ? Hdf5Layout::adc2021 : Hdf5Layout::tamis_hdf5;
        const auto rehearsed =
            rehearse(path, kHdf5Library, [&path, tables] { read_to_end(path, tables); });
        if (!rehearsed) {
            return tl::unexpected(rehearsed.error());
        }
        auto source = make_hdf5_event_source(path, tables);
        if (!source) {
            return tl::unexpected(std::move(source.error()));
        }
        file.hdf5_ = source->get();
        file.source_ = std::move(*source);
        return file;
    }
    auto lines = TextLines::open(path);
    if (!lines) {
        return tl::unexpected(std::move(lines.error()));
    }
    file.lines_ = std::make_unique<TextLines>(std::move(*lines));
    auto source = open_text_source(*file.lines_, layout);
    if (!source) {
        return tl::unexpected(std::move(source.error()));
    }
    file.source_ = std::move(*source);
    return file;
}

std::uint64_t EventFile::line_number() const {
    return hdf5_ != nullptr ? hdf5_->rows_read() : lines_->line_number();
}

std::uint64_t EventFile::read_so_far() const {
    return hdf5_ != nullptr ? hdf5_->rows_read() : lines_->bytes_read();
}

std::uint64_t EventFile::total() const {
    return hdf5_ != nullptr ? hdf5_->row_count() : lines_->bytes_total();
}

const std::string& EventFile::error() const {
    return hdf5_ != nullptr ? hdf5_->error() : lines_->error();
}

}  // namespace tamis::streams
