// Messages on disk that are still to be sent, in their order: files that are written at one end and
// read from the other, removed one by one when what they hold has been acknowledged. A process that
// starts again finds what an earlier one left. One thread, which never waits for the disk.
//
// A file is a row of records: length and CRC-32C of the message, four little-endian bytes each, and
// the message. What follows the last whole record is the torn end of a writer that died.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/event_output.hpp"
#include "streams/recording/disk_thread.hpp"
#include "streams/recording/output_file.hpp"

namespace tamis::streams {

class SpoolFiles {
 public:
    static constexpr std::uint64_t kRecordBytes = 8;  // beside each message

    struct Config {
        std::string path;  // the files are PATH.000001.part, PATH.000002.part, ...
        std::uint64_t bytes = std::uint64_t{1} << 30U;  // all files together
        std::uint64_t file_bytes = std::uint64_t{8} << 20U;
    };

    // Finds the files of earlier processes. Errors: the folder cannot be read.
    [[nodiscard]] static tl::expected<std::unique_ptr<SpoolFiles>, std::string> open(
        const Config& config);
    ~SpoolFiles();
    SpoolFiles(const SpoolFiles&) = delete;
    SpoolFiles& operator=(const SpoolFiles&) = delete;

    // full: the bound is reached, or the disk takes nothing now; nothing is lost, try again.
    [[nodiscard]] SendResult write(std::span<const std::byte> message) noexcept;
    // Brings what was written to the disk; returns the work done.
    std::size_t poll() noexcept;
    // Of the messages that write() took: so many, from the first, are on the disk.
    [[nodiscard]] std::uint64_t durable_count() const noexcept { return durable_; }

    // The oldest message not yet given, valid until the next call; empty: there is none.
    [[nodiscard]] std::span<const std::byte> next() noexcept;
    // Gives again what was given and not forgotten.
    void rewind() noexcept;
    // The oldest `count` of the messages that were given have arrived: their files may go.
    void forget(std::uint64_t count) noexcept;

    [[nodiscard]] bool is_empty() const noexcept { return files_.empty(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept;
    // A message of so many bytes more would be taken, as far as the bound goes.
    [[nodiscard]] bool has_room(std::uint64_t message_bytes) const noexcept;
    // Bytes that are no whole record: torn ends, damage. Never given.
    [[nodiscard]] std::uint64_t unreadable_bytes() const noexcept { return unreadable_bytes_; }

 private:
    struct File {
        std::uint32_t number = 0;
        std::string path;
        int descriptor = -1;
        std::uint64_t bytes = 0;      // written
        std::uint64_t position = 0;   // read up to here
        std::uint64_t given = 0;      // messages
        std::uint64_t forgotten = 0;  // of them
        bool is_damage_counted = false;
        std::unique_ptr<OutputFile> output = nullptr;  // while it is written
    };
    // A written message that is not on the disk yet, to be written again if the disk fails its
    // file.
    using Unsynced = std::vector<std::byte>;

    explicit SpoolFiles(Config config) : config_(std::move(config)) {}
    [[nodiscard]] bool begin_file() noexcept;
    [[nodiscard]] bool append(std::span<const std::byte> message) noexcept;
    void end_file(File& file) noexcept;
    void take_sync(File& file) noexcept;
    [[nodiscard]] bool write_failed_again() noexcept;
    [[nodiscard]] bool read(File& file) noexcept;
    void remove_arrived() noexcept;

    Config config_;
    std::deque<File> files_;   // oldest first; the last one may be being written
    std::size_t reading_ = 0;  // of files_
    std::vector<std::byte> message_;
    std::uint32_t last_number_ = 0;
    std::deque<Unsynced> unsynced_;
    std::size_t to_write_again_ = 0;  // the last so many of them
    std::uint64_t written_ = 0;
    std::uint64_t durable_ = 0;
    std::uint64_t syncing_ = 0;  // written when the disk's job began; 0: no job
    std::uint64_t unreadable_bytes_ = 0;
    DiskThread disk_;  // last: it ends before the files do
};

}  // namespace tamis::streams
