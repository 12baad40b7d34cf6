// Where an export writes events to: a file of one format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/recorded_events.hpp"

namespace tamis::streams {

struct ExportNames {
    std::vector<std::string> paths;    // by index; "path_N" where there is none
    std::vector<std::string> derived;  // of RecordedEvent::derived

    [[nodiscard]] std::string path(std::size_t index) const {
        return index < paths.size() ? paths[index] : "path_" + std::to_string(index);
    }
};

class EventSink {
 public:
    virtual ~EventSink() = default;
    // Events that an export which was broken off had written already; the next one follows them.
    [[nodiscard]] virtual std::uint64_t resumed_count() const { return 0; }
    virtual void add(const RecordedEvent& event) = 0;
    // One of those that were written already. False: what was written is of another export.
    [[nodiscard]] virtual bool skip(const RecordedEvent& /*event*/) { return true; }
    // Makes what was added outlive this process, where the file's format alone does not.
    // False: it could not be done (no room?), and what was done before still holds.
    [[nodiscard]] virtual bool checkpoint() { return true; }
    // The file is whole and has its name, or the error says what failed first.
    [[nodiscard]] virtual tl::expected<void, std::string> close() = 0;
};

enum class ExportStart : std::uint8_t {
    refuse_existing,
    replace,
    resume,  // go on behind the last whole line of FILE.part, or from FILE.checkpoint
};

// Tables "events" (a row an event; the decision too), "electrons", "muons", "jets", "clusters"
// (a row an object, column event_row), "features", "derived", "paths/NAME" (a row an event).
[[nodiscard]] tl::expected<std::unique_ptr<EventSink>, std::string> make_hdf5_event_sink(
    const std::string& path, const ExportNames& names, ExportStart start);

// A row an event: run, event, timestamp_ns, outcome, latency_ns, for each path NAME.accepted,
// NAME.prescaled_away, NAME.score, NAME.threshold, then the derived numbers and the features; empty
// where an event has none. Objects, of which an event has any number, are not in it.
[[nodiscard]] tl::expected<std::unique_ptr<EventSink>, std::string> make_csv_event_sink(
    const std::string& path, const ExportNames& names, ExportStart start);

// A JSON object a line, with all that an event has.
[[nodiscard]] tl::expected<std::unique_ptr<EventSink>, std::string> make_json_event_sink(
    const std::string& path, const ExportNames& names, ExportStart start);

}  // namespace tamis::streams
