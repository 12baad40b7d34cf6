// Reads an MCAP file from its first to its last message, whatever its bytes are. A message is given
// only from a chunk whose CRC holds (or, in a file without chunks, from the data section); a
// damaged chunk is passed over and counted; a file that ends early is read up to its last whole
// chunk. One thread; memory is bounded by McapLimits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/chunk_codec.hpp"
#include "streams/recording/input_file.hpp"
#include "streams/recording/mcap_contents.hpp"
#include "streams/recording/mcap_format.hpp"
#include "streams/recording/record_finder.hpp"

namespace tamis::streams {

struct McapLimits {
    std::uint64_t chunk_bytes = 256UL * 1024 * 1024;    // uncompressed; a larger one is damaged
    std::uint64_t record_bytes = 1024UL * 1024 * 1024;  // in the file; a larger one is passed over
};

// Of which chunks something is wanted; of all by default.
struct ChunkSelection {
    std::uint64_t from_ns = 0;  // log time
    std::uint64_t until_ns = UINT64_MAX;
    std::optional<McapKeyRange> keys;      // messages without a key are not wanted
    std::vector<std::string> topics = {};  // empty: all
};

enum class ReadEnd : std::uint8_t {
    reading,   // not at the end yet
    complete,  // the file is whole and every checksum it has held
    torn,      // the file ends early (its writer died or it was cut): all whole chunks were read
    damaged,   // bytes inside the file are wrong; what was given is right
};

[[nodiscard]] std::string_view to_string(ReadEnd end) noexcept;

struct McapReadCounts {
    std::uint64_t messages = 0;
    std::uint64_t message_bytes = 0;
    std::uint64_t chunks = 0;           // read whole
    std::uint64_t damaged_chunks = 0;   // CRC, size or compression wrong
    std::uint64_t damaged_records = 0;  // others, and messages without a channel
    std::uint64_t unknown_records = 0;  // of a later version or an application; passed over
};

class McapReader {
 public:
    // Errors: cannot be opened, or does not begin as an MCAP file.
    [[nodiscard]] static tl::expected<McapReader, std::string> open(std::string_view path,
                                                                    const McapLimits& limits = {});
    // The bytes must outlive the reader.
    [[nodiscard]] static tl::expected<McapReader, std::string> from_bytes(
        std::span<const std::byte> bytes, const McapLimits& limits = {});

    // Before the first next(): chunks that cannot hold what is wanted are passed over (those that
    // are read hold other messages too). With an index they are not touched, so that end() vouches
    // only for what was read. Without one (a torn or damaged file) times are found in the chunks
    // themselves; for the sake of keys and topics, or of another program, every chunk is read.
    void select(const ChunkSelection& selection);

    // The next message in the file's order, valid until the next call; null at the end.
    [[nodiscard]] const McapMessage* next();
    [[nodiscard]] ReadEnd end() const noexcept { return end_; }
    // Why the end is not `complete`, with the offset of the first damage; empty otherwise.
    [[nodiscard]] const std::string& end_reason() const noexcept { return end_reason_; }
    [[nodiscard]] const McapReadCounts& counts() const noexcept { return counts_; }

    [[nodiscard]] const McapHeader& header() const noexcept { return header_; }
    // What next() has passed so far (counted by reading, without the message indexes); all of the
    // file at its end.
    [[nodiscard]] const McapContents& seen() const noexcept { return seen_; }
    // Null where no such channel or schema was passed.
    [[nodiscard]] const McapChannel* find_channel(std::uint16_t id) const noexcept;
    [[nodiscard]] const McapSchema* find_schema(std::uint16_t id) const noexcept;

    // Independent of next(); see mcap_contents.hpp.
    [[nodiscard]] std::optional<McapSummary> read_summary() { return read_mcap_summary(file_); }
    [[nodiscard]] tl::expected<std::vector<std::byte>, std::string> read_attachment(
        const McapAttachmentIndex& index) {
        return read_mcap_attachment(file_, index);
    }
    [[nodiscard]] tl::expected<McapMetadata, std::string> read_metadata(
        const McapMetadataIndex& index) {
        return read_mcap_metadata(file_, index);
    }

    [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
    [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_.size(); }
    [[nodiscard]] std::uint64_t position() const noexcept { return offset_; }

 private:
    // A record in the data section. Its prefix and its own fields both say where it ends; where
    // they differ, one of them is damaged (or a later version appended fields).
    struct Record {
        McapOpcode opcode = McapOpcode::header;
        std::uint64_t offset = 0;
        std::optional<std::uint64_t> outer_end;  // absent: behind the file's end
        std::optional<std::uint64_t> inner_end;  // absent: its fields make no sense
        bool is_good = false;
    };

    McapReader(InputFile file, const McapLimits& limits);
    static tl::expected<McapReader, std::string> start(InputFile file, const McapLimits& limits);
    void read_header();
    bool next_in_chunk();
    bool next_record();
    void read_content(Record& record, std::span<const std::byte> content);
    void read_chunk(Record& record);
    bool open_chunk(const McapChunk& chunk);
    [[nodiscard]] bool is_selected(std::uint64_t first_ns, std::uint64_t last_ns) const noexcept;
    bool go_to_selected();
    bool read_message(std::span<const std::byte> content);
    McapExtent add_schema(std::span<const std::byte> content);
    McapExtent add_channel(std::span<const std::byte> content);
    McapExtent note_attachment(const Record& record, std::span<const std::byte> content);
    McapExtent note_metadata(const Record& record, std::span<const std::byte> content);
    void read_data_end(std::span<const std::byte> bytes);
    void move_past(const Record& record);
    void note_damage(std::uint64_t offset, std::string_view what);
    void finish(std::string_view why);

    InputFile file_;
    McapLimits limits_;
    std::unique_ptr<ChunkCodec> codec_;
    McapHeader header_;
    std::uint64_t offset_ = 0;  // of the next record
    std::uint32_t data_crc_ = 0;
    ReadEnd end_ = ReadEnd::reading;
    std::string end_reason_;

    ChunkSelection selection_;
    std::optional<std::vector<std::uint64_t>> selected_;  // chunks to read, the next one last

    std::span<const std::byte> chunk_;  // records not read yet; in the codec's or the file's buffer
    McapMessage message_;
    McapReadCounts counts_;
    McapContents seen_;
    RecordFinder finder_;
};

}  // namespace tamis::streams
