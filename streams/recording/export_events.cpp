#include "streams/recording/export_events.hpp"

#include <filesystem>
#include <utility>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kExportProgressEvents = 256;

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
    while (summary.event_count < options.most_events) {
        const auto event = events->next();
        if (!event) {
            break;
        }
        if (summary.event_count < summary.resumed_count) {
            (*sink)->skip(*event);
        } else {
            (*sink)->add(*event);
        }
        ++summary.event_count;
        if (options.progress && summary.event_count % kExportProgressEvents == 0) {
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
