// Writes an MCAP file: chunks with CRC-32 and message indexes, then a summary with statistics and
// all indexes. Every chunk repeats the schemas and channels it uses, so that each whole chunk can
// be read without the ones before it. One thread. After the first chunks a write() allocates
// nothing; the one that fills a chunk compresses and writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "streams/recording/chunk_codec.hpp"
#include "streams/recording/mcap_format.hpp"
#include "streams/recording/output_file.hpp"

namespace tamis::streams {

// What the summary says of McapMessage::key.
enum class KeyIndex : std::uint8_t {
    none,
    by_chunk,  // a reader may pass over every message without a key when it looks for one
};

struct McapWriterOptions {
    std::string profile = std::string(kTamisProfile);
    std::string library = "tamis";
    Compression compression = Compression::zstd;
    int zstd_level = 1;                       // 1 to 19
    std::size_t chunk_bytes = 1024UL * 1024;  // before compression; what a torn tail can cost
    ExistingFile existing = ExistingFile::refuse;
    KeyIndex key_index = KeyIndex::none;
};

class McapWriter {
 public:
    // Writes to PATH.part until close() (see output_file.hpp).
    [[nodiscard]] static tl::expected<std::unique_ptr<McapWriter>, std::string> create(
        std::string_view path, const McapWriterOptions& options);
    // Without close(), the chunk in memory is lost and PATH.part stays.
    ~McapWriter() = default;
    McapWriter(const McapWriter&) = delete;
    McapWriter& operator=(const McapWriter&) = delete;

    // At most 65535 schemas and 65536 channels. The returned identifier goes into what follows.
    [[nodiscard]] std::uint16_t add_schema(std::string name, std::string encoding,
                                           std::span<const std::byte> contents);
    [[nodiscard]] std::uint16_t add_channel(std::uint16_t schema_id, std::string topic,
                                            std::string message_encoding, McapTexts metadata = {});

    // All messages into one chunk, or none; the contents are copied. no_space: none was taken; the
    // finished chunk before them waits in memory and is tried again with the next call.
    [[nodiscard]] WriteStatus write(std::span<const McapMessage> messages) noexcept;
    [[nodiscard]] WriteStatus write(const McapMessage& message) noexcept {
        return write(std::span(&message, 1));
    }
    // Between write() calls; closes the chunk so that the order in the file is the order of calls.
    [[nodiscard]] WriteStatus add_attachment(const McapAttachment& attachment);
    [[nodiscard]] WriteStatus add_metadata(const McapMetadata& metadata);

    // Ends the chunk and hands it to the system.
    [[nodiscard]] WriteStatus flush() noexcept;
    // flush() and wait for the disk.
    [[nodiscard]] WriteStatus sync() noexcept;
    // Writes the file's end, but leaves it open: what is left is file().close(), which waits for
    // the disk. After no_space it may be called again, and so may write(); after success only
    // close().
    [[nodiscard]] WriteStatus finish() noexcept;
    // Ends the file and gives it its name. After no_space it may be called again; nothing else may
    // be called after it.
    [[nodiscard]] WriteStatus close() noexcept;

    [[nodiscard]] std::uint64_t messages_written() const noexcept { return totals_.message_count; }
    [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_.size(); }
    [[nodiscard]] std::size_t pending_bytes() const noexcept { return chunk_.size(); }
    [[nodiscard]] const std::string& written_path() const noexcept { return file_.written_path(); }
    [[nodiscard]] std::string error() const { return file_.error(); }
    [[nodiscard]] OutputFile& file() noexcept { return file_; }
    // After finish(): the CRC-32 that the file's DataEnd record states. It tells files apart.
    [[nodiscard]] std::uint32_t data_crc() const noexcept { return data_crc_; }

 private:
    using IndexEntry = std::pair<std::uint64_t, std::uint64_t>;
    struct Channel {
        McapChannel record;
        bool in_chunk = false;
        std::uint64_t message_count = 0;
        std::vector<IndexEntry> index;  // of the open chunk
    };
    struct Schema {
        McapSchema record;
        bool in_chunk = false;
    };

    McapWriter(OutputFile file, const McapWriterOptions& options);
    WriteStatus append(std::initializer_list<std::span<const std::byte>> pieces) noexcept;
    void add_message(const McapMessage& message) noexcept;
    void describe_channel(Channel& channel);
    void seal_chunk();
    void start_chunk() noexcept;
    std::vector<std::byte> encode_ending(std::uint32_t& data_crc) const;

    OutputFile file_;
    McapWriterOptions options_;
    ChunkCodec codec_;
    std::uint32_t data_crc_ = 0;  // of all bytes of the file so far

    std::vector<Schema> schemas_;    // id = position + 1
    std::vector<Channel> channels_;  // id = position
    std::vector<std::byte> chunk_;   // records of the open chunk, uncompressed
    std::uint64_t chunk_start_ns_ = 0;
    std::uint64_t chunk_end_ns_ = 0;
    std::uint64_t chunk_messages_ = 0;
    McapKeyRange chunk_keys_;

    // A finished chunk record with its indexes; waits while sealed_ is set.
    bool sealed_ = false;
    std::vector<std::byte> sealed_prefix_;
    std::span<const std::byte> sealed_records_;
    std::vector<std::byte> sealed_indexes_;
    McapChunkIndex sealed_entry_;

    McapStatistics totals_;
    std::vector<McapChunkIndex> chunk_indexes_;
    std::vector<McapChunkKeys> key_index_;
    std::vector<McapAttachmentIndex> attachment_indexes_;
    std::vector<McapMetadataIndex> metadata_indexes_;
    bool is_finished_ = false;
};

}  // namespace tamis::streams
