#include "streams/recording/import_events.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "streams/recording/fragment_recorder.hpp"
#include "streams/recording/recording_files.hpp"
#include "streams/recording/recording_reader.hpp"

namespace tamis::streams {
namespace {

constexpr std::size_t kDescribedProblems = 20;
constexpr std::uint64_t kImportProgressEvents = 256;
constexpr std::uint64_t kEventDistanceNs = 1'000'000;

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
        auto file = EventFile::open(options_.input, summary_.layout);
        if (!file) {
            return tl::unexpected(std::move(file.error()));
        }
        FragmentRecorderOptions recorder_options;
        recorder_options.path = options_.output;
        recorder_options.container = options_.container;
        if (options_.resumes) {
            if (auto found = find_done(recorder_options); !found) {
                return tl::unexpected(std::move(found.error()));
            }
        }
        auto recorder = FragmentRecorder::create(recorder_options);
        if (!recorder) {
            return tl::unexpected(std::move(recorder.error()));
        }
        EventFragments fragments(options_.split);
        while (summary_.event_count < options_.most_events) {
            const auto event = file->source().next([&](const RowProblem& row) { report(row); });
            if (!event || !failure_.empty()) {
                break;
            }
            if (!numbers_.emplace(event->run, event->number).second) {
                report({file->line_number(),
                        {},
                        "event " + std::to_string(event->number) + " of run " +
                            std::to_string(event->run) + " was there before"});
            } else {
                write(*event, fragments, **recorder);
            }
            if (!failure_.empty()) {
                break;
            }
            if (options_.progress && summary_.event_count % kImportProgressEvents == 0) {
                options_.progress({file->read_so_far(), file->total(), summary_.event_count});
            }
        }
        if (failure_.empty()) {
            failure_ = file->error();
        }
        return finish(**recorder);
    }

 private:
    // What an import that was broken off has written; the next file takes the rest.
    tl::expected<void, std::string> find_done(FragmentRecorderOptions& recorder) {
        const FilePlace place = find_next_place(options_.output);
        if (place.number == 1) {
            return {};
        }
        if (place.predecessor_state == PredecessorState::closed) {
            return tl::unexpected("cannot resume " + options_.output + " (" + place.predecessor +
                                  " is whole: that import came to its end)");
        }
        auto reader = RecordingReader::open(options_.output);
        if (!reader) {
            return tl::unexpected(std::move(reader.error()));
        }
        while (const McapMessage* message = reader->next()) {
            if (const auto event = find_event(reader->file(), *message)) {
                done_.emplace(event->run, event->event);
            }
        }
        recorder.path = recording_file(options_.output, place.number);
        recorder.labels.metadata.push_back(to_metadata(place));
        return {};
    }

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
        encoded_.clear();
        fragments.encode(event, [&](std::span<const std::byte> fragment) {
            encoded_.emplace_back(fragment.begin(), fragment.end());
        });
        if (done_.contains({event.run, event.number})) {
            ++summary_.resumed_count;
        } else if (recorder.write_event(encoded_, time_ns) != WriteStatus::written) {
            failure_ = recorder.writer().error() + "; make room and resume the import";
            keeps_output_ = true;
        }
        summary_.fragment_count += encoded_.size();
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
            if (!keeps_output_) {
                std::filesystem::remove(recorder.writer().written_path(), ignored);
            }
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
    bool keeps_output_ = false;
    std::set<std::pair<std::uint32_t, std::uint64_t>> numbers_;
    std::set<std::pair<std::uint32_t, std::uint64_t>> done_;  // before this import
    std::vector<std::vector<std::byte>> encoded_;             // fragments of an event
    LabelRanges labels_;
};

}  // namespace

tl::expected<ImportSummary, std::string> import_events(const ImportOptions& options) {
    ImportLayout layout = options.layout;
    if (layout == ImportLayout::detect) {
        const auto detected = detect_import_layout(options.input);
        if (!detected) {
            return tl::unexpected(detected.error());
        }
        layout = *detected;
    }
    return Import(options, layout).run();
}

}  // namespace tamis::streams
