// The messages of a recording, file after file (recording_files.hpp), or those of some streams,
// times or events. Where a file has an index (recordings of Tamis that came to their end), chunks
// that cannot hold what was selected are not touched. Checks that each file follows the one before,
// and gives the events that a file repeats only once. Cold path; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/mcap_reader.hpp"
#include "streams/recording/recording_files.hpp"

namespace tamis::streams {

// What is wanted; all of it by default. Limits are inclusive, but for until_ns.
struct RecordingSelection {
    std::vector<std::string> topics;  // empty: all
    std::uint64_t from_ns = 0;        // log time, UTC
    std::uint64_t until_ns = UINT64_MAX;
    std::optional<std::uint32_t> run;
    std::uint64_t first_event = 0;  // event number
    std::uint64_t last_event = UINT64_MAX;

    bool operator==(const RecordingSelection&) const = default;
    [[nodiscard]] bool selects_events() const noexcept {
        return run.has_value() || first_event != 0 || last_event != UINT64_MAX;
    }
};

class RecordingReader {
 public:
    // path: the recording's, or that of one of its numbered files, which is then read alone.
    // Errors: the first file cannot be opened or is none, and none follows it; a topic that it does
    // not have.
    [[nodiscard]] static tl::expected<RecordingReader, std::string> open(
        std::string_view path, const RecordingSelection& selection = {},
        const McapLimits& limits = {});

    // Valid until the next call; null at the end.
    [[nodiscard]] const McapMessage* next();
    // Of all files read: `damaged` when one is or one is missing, else `torn` when one is.
    [[nodiscard]] ReadEnd end() const noexcept;
    // The worst of what is known so far: at first, what is wrong between the files.
    [[nodiscard]] ReadEnd worst() const noexcept { return worst_; }
    // Of each file that is not complete; empty where all are.
    [[nodiscard]] const std::string& end_reason() const noexcept { return end_reason_; }

    // The file that next() reads; channels and schemas are those of this file.
    [[nodiscard]] McapReader& file() noexcept { return *file_; }
    [[nodiscard]] const McapReader& file() const noexcept { return *file_; }
    // Grows with each file.
    [[nodiscard]] std::size_t file_index() const noexcept { return index_; }
    [[nodiscard]] const std::vector<std::string>& paths() const noexcept { return paths_; }
    // Messages that a later file repeats; passed over.
    [[nodiscard]] std::uint64_t repeated_count() const noexcept { return repeated_count_; }

    // Bytes of all files, and of those that next() has passed.
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_bytes_; }
    [[nodiscard]] std::uint64_t position() const noexcept {
        return earlier_bytes_ + file_->position();
    }

 private:
    RecordingReader(const RecordingSelection& selection, const McapLimits& limits)
        : selection_(selection), limits_(limits) {}
    void find_files(std::string_view path);
    void check_predecessor(const FilePlace& place, const std::string& path,
                           const std::string& previous);
    void find_repetitions();
    tl::expected<void, std::string> open_file();
    tl::expected<void, std::string> check_topics();
    bool is_repeated(const McapMessage& message);
    bool is_selected(const McapMessage& message);
    void note(ReadEnd end, const std::string& reason);

    RecordingSelection selection_;
    McapLimits limits_;
    std::vector<std::string> paths_;
    std::vector<std::optional<FilePlace>> places_;  // by file
    // By file: from this sequence on a later file has all that it has.
    std::vector<std::optional<std::uint32_t>> repeated_from_;
    std::size_t index_ = 0;
    std::unique_ptr<McapReader> file_;
    ReadEnd worst_ = ReadEnd::complete;
    std::string end_reason_;
    bool is_at_end_ = false;
    std::uint64_t repeated_count_ = 0;
    std::uint64_t total_bytes_ = 0;
    std::uint64_t earlier_bytes_ = 0;
};

// Run and event number of a message of wire.Fragment or wire.SelectedEvent; nothing for others.
struct MessageEvent {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
};
[[nodiscard]] std::optional<MessageEvent> find_event(const McapReader& file,
                                                     const McapMessage& message);

}  // namespace tamis::streams
