// Records fragments as they came: one channel "fragments" of wire.Fragment messages. A message's
// log time is its arrival, its publish time the collision's (the log time where the fragment has
// none). One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/fragment_input.hpp"
#include "streams/recording/recording_contents.hpp"

namespace tamis::streams {

struct FragmentRecorderOptions {
    std::string path;
    McapWriterOptions container;
    RecordingLabels labels;                 // at the file's begin
    std::uint64_t utc_minus_steady_ns = 0;  // of arrivals
};

class FragmentRecorder final : public MessageSink {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<FragmentRecorder>, std::string> create(
        const FragmentRecorderOptions& options);

    // log_time_ns: UTC since 1970. no_space: not taken, try again.
    [[nodiscard]] WriteStatus write(std::span<const std::byte> fragment,
                                    std::uint64_t log_time_ns) noexcept;

    // All fragments of an event into one chunk, so that it is there as a whole or not at all.
    [[nodiscard]] WriteStatus write_event(std::span<const std::vector<std::byte>> fragments,
                                          std::uint64_t log_time_ns) noexcept;

    // As the sink of an input. On a full disk it keeps the message that did not fit and is not
    // ready until flush() has found room; after any other failure messages are lost and counted.
    [[nodiscard]] bool is_ready() const noexcept override { return held_.empty(); }
    Hold on_message(std::span<const std::byte> message, std::uint64_t arrival_ns) noexcept override;
    void on_refused(std::uint64_t arrival_ns) noexcept override;
    // Hands what is in memory to the system.
    [[nodiscard]] WriteStatus flush() noexcept;

    // labels: known only now (run summary). Nothing may be called after success.
    [[nodiscard]] tl::expected<void, std::string> close(const RecordingLabels& labels,
                                                        std::uint64_t log_time_ns);

    [[nodiscard]] const McapWriter& writer() const noexcept { return *writer_; }
    [[nodiscard]] std::uint64_t lost_count() const noexcept { return lost_count_; }
    [[nodiscard]] std::uint64_t refused_count() const noexcept { return refused_count_; }

 private:
    [[nodiscard]] McapMessage message_of(std::span<const std::byte> fragment,
                                         std::uint64_t log_time_ns) const noexcept;
    FragmentRecorder(std::unique_ptr<McapWriter> writer, std::uint64_t utc_minus_steady_ns);

    std::unique_ptr<McapWriter> writer_;
    std::uint64_t utc_minus_steady_ns_;
    std::uint16_t channel_;
    std::uint32_t sequence_ = 0;
    std::uint64_t lost_count_ = 0;
    std::uint64_t refused_count_ = 0;
    std::vector<McapMessage> messages_;  // of an event
    std::vector<std::byte> held_;
    std::uint64_t held_log_time_ns_ = 0;
};

}  // namespace tamis::streams
