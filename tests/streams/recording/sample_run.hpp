// Recordings of numbered selected events, and what is read back of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "streams/recording/recording_output.hpp"
#include "streams/recording/recording_reader.hpp"

namespace tamis::tests {

// Two streams; small uncompressed chunks, so that files grow by the event.
[[nodiscard]] streams::RecordingOutputOptions run_options(const std::string& path);

// Event `event` into the first stream, every third into the second too.
[[nodiscard]] streams::SendResult send_event(streams::RecordingOutput& output, std::uint64_t event,
                                             std::uint64_t now_ns);
// first .. last, one a microsecond from `first` on; each must be taken.
void send_events(streams::RecordingOutput& output, std::uint64_t first, std::uint64_t last);

// Polls until `count` events are safe; false when that takes more than 20 s.
[[nodiscard]] bool wait_until_safe(streams::RecordingOutput& output, std::uint64_t count,
                                   std::uint64_t now_ns);

struct ReadRun {
    std::vector<std::uint64_t> events;  // numbers, of the first stream
    std::size_t copies = 0;             // in the second stream
    streams::ReadEnd end = streams::ReadEnd::reading;
    std::string reason;
    std::size_t files = 0;
    std::uint64_t repeated = 0;
};
[[nodiscard]] ReadRun read_run(const std::string& path,
                               const streams::RecordingSelection& selection = {});

// first, first + 1, .. last
[[nodiscard]] std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last);

}  // namespace tamis::tests
