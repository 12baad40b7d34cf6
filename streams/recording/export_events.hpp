// Writes the events of a recording to a file that other programs read: HDF5, CSV or JSON lines, by
// the output's extension. Cold path; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/event_sink.hpp"

namespace tamis::streams {

struct ExportProgress {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_total = 0;
    std::uint64_t event_count = 0;
};

struct ExportOptions {
    std::string input;   // a recording, all its files
    std::string output;  // .h5 or .hdf5, .csv, .ndjson or .jsonl
    RecordingSelection selection;
    std::vector<std::string> derived_names;
    RecordedEvents::Derive derive;  // gives one number for each of those names
    ExportStart start = ExportStart::refuse_existing;
    std::uint64_t most_events = UINT64_MAX;
    // How often an HDF5 export copies its file for who resumes it; copies take at most 1/30 of the
    // time, so that they are rarer for a large file.
    std::uint64_t checkpoint_after_ns = 10'000'000'000;
    std::function<void(const ExportProgress&)> progress;  // every 256 events; may be empty
};

struct ExportSummary {
    std::uint64_t event_count = 0;    // in the output
    std::uint64_t resumed_count = 0;  // of them, were there before
    std::uint64_t malformed_count = 0;
    std::uint64_t failed_checkpoints = 0;  // due, but there was no room (or the like)
    ReadEnd end = ReadEnd::complete;       // of the recording
    std::string end_reason;
};

[[nodiscard]] tl::expected<ExportSummary, std::string> export_events(const ExportOptions& options);

}  // namespace tamis::streams
