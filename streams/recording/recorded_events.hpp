// The events of a recording, whole, with what was decided of each: what an export writes out. Cold
// path; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "streams/event.hpp"
#include "streams/payloads.hpp"
#include "streams/recording/imported_event.hpp"
#include "streams/recording/recording_reader.hpp"
#include "streams/selected_event.hpp"

namespace tamis::streams {

struct RecordedEvent {
    ImportedEvent contents;
    std::optional<ReadDecision> decision;  // absent in a recording of fragments
    std::vector<float> derived;            // as RecordedEvents::Derive gave them, or empty
};

class RecordedEvents {
 public:
    // Numbers computed from an event, such as the features of a model; false where it has none.
    using Derive = std::function<bool(const Event&, std::vector<float>&)>;

    // Errors: as RecordingReader::open().
    [[nodiscard]] static tl::expected<RecordedEvents, std::string> open(
        std::string_view path, const RecordingSelection& selection, Derive derive);

    // Absent at the end, or after a failure(). An event of several streams is given once. The
    // fragments of an event must follow each other.
    [[nodiscard]] std::optional<RecordedEvent> next();
    // The recording has fragments of one event in several places.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    [[nodiscard]] const RecordingReader& reader() const noexcept { return reader_; }
    [[nodiscard]] std::uint64_t malformed_count() const noexcept { return malformed_count_; }
    // By index in Decision.paths; empty where the recording does not say.
    [[nodiscard]] const std::vector<std::string>& path_names() const noexcept {
        return path_names_;
    }

 private:
    RecordedEvents(RecordingReader reader, Derive derive);
    void read_path_names();
    std::optional<RecordedEvent> take(const McapMessage& message);
    std::optional<RecordedEvent> take_fragment(const McapMessage& message);
    std::optional<RecordedEvent> take_selected(const McapMessage& message);
    RecordedEvent finish(const Event& event, std::optional<ReadDecision> decision);

    RecordingReader reader_;
    Derive derive_;
    std::vector<std::string> path_names_;
    std::unique_ptr<Payloads> payloads_;
    std::optional<Event> open_;  // its fragments so far
    std::set<std::pair<std::uint32_t, std::uint64_t>> closed_;
    std::optional<std::pair<std::uint32_t, std::uint64_t>> last_selected_;
    std::uint64_t malformed_count_ = 0;
    std::string failure_;
};

}  // namespace tamis::streams
