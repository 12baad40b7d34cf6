#include "streams/recording/export_events.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kExportProgressEvents = 256;
constexpr int kWorkPerCheckpoint = 30;

class CheckpointTimes {
 public:
    explicit CheckpointTimes(std::uint64_t after_ns)
        : after_(static_cast<std::int64_t>(after_ns)), due_(Clock::now() + after_) {}

    // False: one was due and could not be made.
    [[nodiscard]] bool make_if_due(EventSink& sink) {
        const auto start = Clock::now();
        if (start < due_) {
            return true;
        }
        const bool is_made = sink.checkpoint();
        const auto end = Clock::now();
        due_ = end + std::max<Clock::duration>(after_, kWorkPerCheckpoint * (end - start));
        return is_made;
    }

 private:
    using Clock = std::chrono::steady_clock;
    Clock::duration after_;
    Clock::time_point due_;
};

tl::expected<std::unique_ptr<EventSink>, std::string> make_sink(const ExportOptions& options,
                                                                const ExportNames& names) {
    const std::string extension = std::filesystem::path(options.output).extension();
    if (extension == ".h5" || extension == ".hdf5") {
        return make_hdf5_event_sink(options.output, names, options.start);
    }
    if (extension == ".csv") {
        return make_csv_event_sink(options.output, names, options.start);
    }
    if (extension == ".ndjson" || extension == ".jsonl") {
        return make_json_event_sink(options.output, names, options.start);
    }
    return tl::unexpected("cannot export to " + options.output +
                          " (no known extension); choose .h5, .hdf5, .csv, .ndjson or .jsonl");
}

}  // namespace

tl::expected<ExportSummary, std::string> export_events(const ExportOptions& options) {
    auto events = RecordedEvents::open(options.input, options.selection, options.derive);
    if (!events) {
        return tl::unexpected(std::move(events.error()));
    }
    auto sink = make_sink(options, {events->path_names(), options.derived_names});
    if (!sink) {
        return tl::unexpected(std::move(sink.error()));
    }
    ExportSummary summary;
    summary.resumed_count = (*sink)->resumed_count();
    CheckpointTimes checkpoints(options.checkpoint_after_ns);
    while (summary.event_count < options.most_events) {
        const auto event = events->next();
        if (!event) {
            break;
        }
        if (summary.event_count >= summary.resumed_count) {
            (*sink)->add(*event);
        } else if (!(*sink)->skip(*event)) {
            return tl::unexpected("cannot resume " + options.output +
                                  " (it is not what this export of " + options.input +
                                  " would have written); resume with the recording, the selection "
                                  "and the options it was made with");
        }
        ++summary.event_count;
        if (summary.event_count % kExportProgressEvents != 0) {
            continue;
        }
        if (summary.event_count > summary.resumed_count && !checkpoints.make_if_due(**sink)) {
            ++summary.failed_checkpoints;
        }
        if (options.progress) {
            options.progress(
                {events->reader().position(), events->reader().total_bytes(), summary.event_count});
        }
    }
    if (!events->failure().empty()) {
        return tl::unexpected(options.input + ": " + events->failure());
    }
    if (summary.event_count < summary.resumed_count) {
        return tl::unexpected("cannot resume " + options.output + " (it has " +
                              std::to_string(summary.resumed_count) + " events, " + options.input +
                              " has " + std::to_string(summary.event_count) +
                              "); resume with the recording it was made of");
    }
    if (auto closed = (*sink)->close(); !closed) {
        return tl::unexpected(std::move(closed.error()));
    }
    summary.malformed_count = events->malformed_count();
    summary.end = events->reader().end();
    summary.end_reason = events->reader().end_reason();
    return summary;
}

}  // namespace tamis::streams
