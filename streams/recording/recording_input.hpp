// Replays a recording: gives the fragments that it holds, as the bytes that were recorded.
// Fragments of recorded inputs come as they are; of selected events the fragments inside, each
// event once (its copies in several streams lie side by side). One thread; poll() reads the file,
// so it is no part of a live node's event path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/fragment_input.hpp"
#include "streams/recording/recording_reader.hpp"
#include "streams/recording/replay_pace.hpp"
#include "streams/recording/wire_scan.hpp"

namespace tamis::streams {

struct RecordingInputOptions {
    std::string path;              // all files of the recording are read
    RecordingSelection selection;  // of channels of fragments and selected events
    // Recorded times are log times of fragments, collision times of selected events. A new event
    // begins for Pace::fixed_rate where run or event number change from one message to the next.
    PaceOptions pace;
    McapLimits limits;
    // Of them, those so long after the first one; inclusive.
    std::uint64_t from_ns = 0;
    std::uint64_t to_ns = UINT64_MAX;
};

struct RecordingInputCounts {
    std::uint64_t fragments = 0;           // handed on
    std::uint64_t selected_events = 0;     // whose fragments were handed on
    std::uint64_t repeated_events = 0;     // copies passed over
    std::uint64_t malformed_messages = 0;  // no wire.SelectedEvent; passed over
    std::uint64_t unrelated_messages = 0;  // of other channels; passed over
    std::uint64_t outside_times = 0;       // messages
};

class RecordingInput final : public FragmentInput {
 public:
    // Errors: cannot be opened, no recording, a topic that it does not have (where it has a
    // summary).
    [[nodiscard]] static tl::expected<std::unique_ptr<RecordingInput>, std::string> open(
        const RecordingInputOptions& options);

    // The first call that asks for messages starts the replay's clock. arrival_ns of a message is
    // the time it was due at, or now_ns as fast as possible.
    std::size_t poll(MessageSink& sink, std::uint64_t now_ns, std::size_t limit) noexcept override;
    [[nodiscard]] bool is_exhausted() const noexcept override { return is_exhausted_; }

    // When the next message is due, steady clock; absent before the first poll and at the end.
    [[nodiscard]] std::optional<std::uint64_t> next_due_ns() const noexcept;
    [[nodiscard]] const RecordingInputCounts& counts() const noexcept { return counts_; }
    // The files below: their end (torn?), attachments, metadata, position.
    [[nodiscard]] RecordingReader& reader() noexcept { return reader_; }
    [[nodiscard]] const RecordingReader& reader() const noexcept { return reader_; }

 private:
    enum class Channel : std::uint8_t { fragments, selected_events, unrelated };

    RecordingInput(RecordingReader reader, const RecordingInputOptions& options);
    bool load(std::uint64_t now_ns) noexcept;
    void open_selected(const McapMessage& message, std::uint64_t now_ns) noexcept;
    Channel classify(std::uint16_t channel_id);
    [[nodiscard]] bool is_in_time(std::uint64_t recorded_ns) noexcept;
    void set_due(std::uint64_t now_ns, const FragmentHead& event,
                 std::uint64_t recorded_ns) noexcept;

    RecordingReader reader_;
    RecordingInputOptions options_;
    ReplayPace pace_;
    std::map<std::uint16_t, Channel> channels_;  // of the file that is read
    std::size_t file_index_ = 0;
    RecordingInputCounts counts_;

    std::optional<std::span<const std::byte>> fragment_;  // read, not handed on yet
    SelectedEventScan selected_;                          // fragments that follow it
    bool in_selected_ = false;
    std::optional<FragmentHead> last_event_;
    std::optional<std::uint64_t> first_recorded_ns_;  // handed on or not
    std::uint64_t event_index_ = 0;
    std::uint64_t due_ns_ = 0;
    bool is_exhausted_ = false;
};

}  // namespace tamis::streams
