// Records selected events: one channel per stream, messages of wire.SelectedEvent. An event of
// several streams is written once to the channel of each, side by side in one chunk with the same
// sequence and times, so that every channel alone is the whole stream; RecordingInput gives such an
// event once. One thread, the one that sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/event_output.hpp"
#include "streams/recording/recording_contents.hpp"

namespace tamis::streams {

struct RecordingOutputOptions {
    std::string path;
    std::vector<std::string> stream_names;  // by bit of StreamMask; become the topics
    McapWriterOptions container;
    RecordingLabels labels;                        // at the file's begin: menu, manifests, run
    std::uint64_t utc_minus_steady_ns = 0;         // makes log times of `now_ns`
    std::uint64_t flush_after_ns = 1'000'000'000;  // longest time an event stays in memory
};

class RecordingOutput final : public EventOutput {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<RecordingOutput>, std::string> create(
        const RecordingOutputOptions& options);

    // full: the disk is full; the event was not taken. failed: the event belongs to no stream of
    // this recording, is no wire.SelectedEvent, or the file takes nothing more (see error()).
    SendResult send(std::span<const std::byte> selected, StreamMask streams,
                    std::uint64_t now_ns) noexcept override;
    // Writes a chunk out when its oldest event has waited for flush_after_ns; returns the events
    // written.
    std::size_t poll(std::uint64_t now_ns) noexcept override;

    // labels: known only now (run summary). After an error it may be called again.
    [[nodiscard]] tl::expected<void, std::string> close(const RecordingLabels& labels,
                                                        std::uint64_t now_ns);

    [[nodiscard]] std::uint64_t event_count() const noexcept { return event_count_; }
    [[nodiscard]] const McapWriter& writer() const noexcept { return *writer_; }
    [[nodiscard]] std::string error() const { return writer_->error(); }

 private:
    RecordingOutput(std::unique_ptr<McapWriter> writer, const RecordingOutputOptions& options);

    std::unique_ptr<McapWriter> writer_;
    std::uint64_t utc_minus_steady_ns_;
    std::uint64_t flush_after_ns_;
    StreamMask known_streams_ = 0;  // channel i is stream i
    std::uint64_t event_count_ = 0;
    std::size_t events_in_memory_ = 0;
    std::uint64_t oldest_ns_ = 0;  // of the events in memory
};

}  // namespace tamis::streams
