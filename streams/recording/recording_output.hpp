// Records selected events: one channel per stream, messages of wire.SelectedEvent. An event of
// several streams is written once to the channel of each, side by side in one chunk with the same
// sequence and times, so that every channel alone is the whole stream; RecordingInput gives such an
// event once. Begins a new file when one is large, old, or failed by the disk (see
// recording_files.hpp); nothing that was taken is lost with a failed file. One thread, the one that
// sends; it never waits for the disk, a thread of its own does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/event_output.hpp"
#include "streams/recording/disk_thread.hpp"
#include "streams/recording/recording_contents.hpp"
#include "streams/recording/recording_files.hpp"
#include "streams/recording/recording_policy.hpp"
#include "streams/recording/retained_events.hpp"

namespace tamis::streams {

struct RecordingOutputOptions {
    std::string path;
    std::vector<std::string> stream_names;  // by bit of StreamMask; become the topics
    McapWriterOptions container;
    ExistingRecording existing = ExistingRecording::refuse;
    RecordingLabels labels;                        // at each file's begin: menu, manifests, run
    std::uint64_t utc_minus_steady_ns = 0;         // makes log times of `now_ns`
    std::uint64_t flush_after_ns = 1'000'000'000;  // longest time an event stays in memory
    Durability durability = Durability::none;
    std::uint64_t interval_ns = 1'000'000'000;  // of Durability::interval
    std::uint64_t file_bytes = 0;               // a new file after so many; 0: never
    std::uint64_t file_ns = 0;                  // a new file after so long; 0: never
    // Not yet safe events in memory; beyond it send() says full.
    std::size_t retained_bytes = 128UL * 1024 * 1024;
};

class RecordingOutput final : public EventOutput {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<RecordingOutput>, std::string> create(
        const RecordingOutputOptions& options);

    // full: the disk is full or failed; the event was not taken, a later call tries again. failed:
    // the event belongs to no stream of this recording or is no wire.SelectedEvent.
    SendResult send(std::span<const std::byte> selected, StreamMask streams,
                    std::uint64_t now_ns) noexcept override;
    // Writes a chunk out when its oldest event has waited for flush_after_ns; starts and ends what
    // the disk does. Returns the work done.
    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] std::uint64_t durable_count() const noexcept override { return durable_count_; }

    // labels: known only now (run summary). Waits for the disk. After an error it may be called
    // again; after success nothing else.
    [[nodiscard]] tl::expected<void, std::string> close(const RecordingLabels& labels,
                                                        std::uint64_t now_ns);

    [[nodiscard]] std::uint64_t event_count() const noexcept { return event_count_; }
    // Number of the file that is written.
    [[nodiscard]] std::uint32_t file_number() const noexcept { return place_.number; }
    // Files that the disk failed.
    [[nodiscard]] std::uint64_t sealed_count() const noexcept { return sealed_count_; }
    // Bytes of all files so far.
    [[nodiscard]] std::uint64_t file_bytes() const noexcept;
    // The last failure of the disk, empty without one.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
    enum class DiskJob : std::uint8_t { none, sync, close };

    explicit RecordingOutput(RecordingOutputOptions options);
    tl::expected<void, std::string> open_file(std::uint64_t now_ns);
    WriteStatus write_again();
    WriteStatus write(const RetainedEvent& event) noexcept;
    bool make_ready(std::uint64_t now_ns) noexcept;
    void begin_next_file(std::uint64_t now_ns) noexcept;
    void commit(std::uint64_t now_ns) noexcept;
    void take_disk_result(std::uint64_t now_ns) noexcept;
    void seal(std::uint64_t now_ns, std::string why) noexcept;
    void note_handed_over(std::uint64_t number) noexcept;

    RecordingOutputOptions options_;
    std::uint64_t commit_after_ns_;
    std::uint64_t commit_after_bytes_;
    StreamMask known_streams_;  // channel i is stream i

    std::unique_ptr<McapWriter> writer_;   // null after a failure, until the next file is open
    std::unique_ptr<McapWriter> closing_;  // the file before, finished but for the disk
    std::unique_ptr<McapWriter> sealed_;   // failed; the disk thread may still look at it
    FilePlace place_;                      // of writer_, or of the next file
    std::uint64_t opened_ns_ = 0;
    std::uint64_t next_try_ns_ = 0;
    std::uint64_t earlier_bytes_ = 0;  // of the files before

    RetainedEvents retained_;              // those that are not safe
    std::uint64_t event_count_ = 0;        // taken
    std::uint64_t durable_count_ = 0;      // safe
    std::uint64_t committed_count_ = 0;    // those that the disk's job makes safe
    std::uint64_t committed_bytes_ = 0;    // of the file when the last job began
    std::uint64_t oldest_waiting_ns_ = 0;  // of those that no job covers
    bool has_waiting_ = false;

    DiskJob job_ = DiskJob::none;
    std::uint64_t sealed_count_ = 0;
    std::string error_;
    DiskThread disk_;  // last: it ends before the files do
};

}  // namespace tamis::streams
