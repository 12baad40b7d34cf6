#include "streams/recording/import_events.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "streams/recording/fragment_recorder.hpp"
#include "streams/recording/json_event_source.hpp"
#include "streams/recording/table_event_source.hpp"
#include "streams/recording/table_rows.hpp"

namespace tamis::streams {
namespace {

constexpr std::array kLayouts = {
    ImportLayout::detect,      ImportLayout::cms_ispy,        ImportLayout::cms_heptutorial,
    ImportLayout::atlas_4lep,  ImportLayout::cms_four_lepton, ImportLayout::cms_dielectron,
    ImportLayout::cms_dimuon,  ImportLayout::cms_w_electron,  ImportLayout::cms_w_muon,
    ImportLayout::atlas_rings,
};
constexpr std::array<std::string_view, kLayouts.size()> kNames = {
    "auto",           "cms-ispy",   "cms-heptutorial", "atlas-4lep", "cms-four-lepton",
    "cms-dielectron", "cms-dimuon", "cms-w-electron",  "cms-w-muon", "atlas-rings",
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

constexpr std::size_t kDescribedProblems = 20;
constexpr std::uint64_t kProgressEvents = 256;
constexpr std::uint64_t kEventDistanceNs = 1'000'000;

std::string list_layouts() {
    std::string text;
    for (const std::string_view name : kNames) {
        text.append(text.empty() ? "" : ", ").append(name);
    }
    return text;
}

// Reads the first row of a file of its own, so that the import starts at the begin.
tl::expected<ImportLayout, std::string> detect_layout(const std::string& path) {
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

tl::expected<std::unique_ptr<EventSource>, std::string> open_source(TextLines& lines,
                                                                    ImportLayout layout) {
    switch (layout) {
        case ImportLayout::cms_ispy:
            return make_json_event_source(lines, JsonLayout::cms_ispy);
        case ImportLayout::cms_heptutorial:
            return make_json_event_source(lines, JsonLayout::cms_heptutorial);
        case ImportLayout::atlas_4lep:
            return make_json_event_source(lines, JsonLayout::atlas_4lep);
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
            break;
    }
    return tl::unexpected(std::string("no layout"));
}

// Which events, by their place in the recording, have a label: "1-25" or "1-25, 51-60".
class LabelRanges {
 public:
    void add(const std::string& label, std::uint64_t place) {
        if (label.empty()) {
            return;
        }
        auto& ranges = ranges_[label];
        if (!ranges.empty() && ranges.back().second + 1 == place) {
            ranges.back().second = place;
        } else {
            ranges.emplace_back(place, place);
        }
    }
    void describe(McapTexts& texts) const {
        for (const auto& [label, ranges] : ranges_) {
            std::string& text = texts["events of " + label];
            for (const auto& [first, last] : ranges) {
                text +=
                    (text.empty() ? "" : ", ") + std::to_string(first) + "-" + std::to_string(last);
            }
        }
    }

 private:
    std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> ranges_;
};

class Import {
 public:
    Import(const ImportOptions& options, ImportLayout layout) : options_(options) {
        summary_.layout = layout;
    }

    tl::expected<ImportSummary, std::string> run() {
        auto lines = TextLines::open(options_.input);
        if (!lines) {
            return tl::unexpected(std::move(lines.error()));
        }
        auto source = open_source(*lines, summary_.layout);
        if (!source) {
            return tl::unexpected(std::move(source.error()));
        }
        FragmentRecorderOptions recorder_options;
        recorder_options.path = options_.output;
        recorder_options.container = options_.container;
        auto recorder = FragmentRecorder::create(recorder_options);
        if (!recorder) {
            return tl::unexpected(std::move(recorder.error()));
        }
        EventFragments fragments(options_.split);
        while (summary_.event_count < options_.most_events) {
            const auto event = (*source)->next([&](const RowProblem& row) { report(row); });
            if (!event || !failure_.empty()) {
                break;
            }
            if (!numbers_.emplace(event->run, event->number).second) {
                report({lines->line_number(),
                        {},
                        "event " + std::to_string(event->number) + " of run " +
                            std::to_string(event->run) + " was there before"});
            } else {
                write(*event, fragments, **recorder);
            }
            if (!failure_.empty()) {
                break;
            }
            if (options_.progress && summary_.event_count % kProgressEvents == 0) {
                options_.progress(
                    {lines->bytes_read(), lines->bytes_total(), summary_.event_count});
            }
        }
        if (failure_.empty()) {
            failure_ = lines->error();
        }
        return finish(**recorder);
    }

 private:
    void report(const RowProblem& row) {
        ++summary_.bad_row_count;
        std::string text = options_.input + ":" + std::to_string(row.line) + ": " +
                           (row.column.empty() ? "" : "column " + row.column + ": ") + row.what;
        if (options_.bad_rows == BadRows::refuse && failure_.empty()) {
            failure_ = text;
        }
        if (summary_.problems.size() < kDescribedProblems) {
            summary_.problems.push_back(std::move(text));
        }
    }

    void write(const ImportedEvent& event, EventFragments& fragments, FragmentRecorder& recorder) {
        const std::uint64_t time_ns =
            event.timestamp_ns != 0 ? event.timestamp_ns : summary_.event_count * kEventDistanceNs;
        fragments.encode(event, [&](std::span<const std::byte> fragment) {
            if (recorder.write(fragment, time_ns) == WriteStatus::written) {
                ++summary_.fragment_count;
            } else if (failure_.empty()) {
                failure_ = recorder.writer().error();
            }
        });
        ++summary_.event_count;
        labels_.add(event.label, summary_.event_count);
    }

    tl::expected<ImportSummary, std::string> finish(FragmentRecorder& recorder) {
        if (failure_.empty() && summary_.event_count == 0) {
            failure_ = options_.input + " holds no event" +
                       (summary_.problems.empty() ? "" : " (" + summary_.problems.front() + ")");
        }
        if (!failure_.empty()) {
            std::error_code ignored;
            std::filesystem::remove(recorder.writer().written_path(), ignored);
            return tl::unexpected(failure_);
        }
        McapMetadata metadata{"tamis.import", {}};
        metadata.texts["layout"] = to_string(summary_.layout);
        metadata.texts["input"] = std::filesystem::path(options_.input).filename().string();
        metadata.texts["events"] = std::to_string(summary_.event_count);
        metadata.texts["bad_rows"] = std::to_string(summary_.bad_row_count);
        labels_.describe(metadata.texts);
        if (auto closed = recorder.close({{metadata}, {}}, 0); !closed) {
            return tl::unexpected(std::move(closed.error()));
        }
        summary_.output_bytes = recorder.writer().file_bytes();
        return std::move(summary_);
    }

    const ImportOptions& options_;
    ImportSummary summary_;
    std::string failure_;
    std::set<std::pair<std::uint32_t, std::uint64_t>> numbers_;
    LabelRanges labels_;
};

}  // namespace

tl::expected<ImportSummary, std::string> import_events(const ImportOptions& options) {
    ImportLayout layout = options.layout;
    if (layout == ImportLayout::detect) {
        const auto detected = detect_layout(options.input);
        if (!detected) {
            return tl::unexpected(detected.error());
        }
        layout = *detected;
    }
    return Import(options, layout).run();
}

}  // namespace tamis::streams
