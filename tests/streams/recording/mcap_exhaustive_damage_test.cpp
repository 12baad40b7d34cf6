// A file of 64 KiB cut at every byte and with every bit flipped, against a model that knows only
// the layout of an MCAP chunk: which messages must come back, none else, and never "complete". By
// default a sample of the cuts and flips; all of them with TAMIS_EXHAUSTIVE=1 (make damage).
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "streams/recording/mcap_reader.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::SampleMessage;

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, size);
    return value;
}

// A chunk record, by the specification: opcode 1, length 8, start 8, end 8, size 8, CRC 4, name of
// the compression (length 4), length of the records 8, records.
struct ModelChunk {
    std::size_t start = 0;
    std::size_t records = 0;
    std::size_t end = 0;
    std::size_t first_message = 0;
    std::size_t message_count = 0;
};

enum class Fate { intact, lost, either };

// What one flipped bit at `at` does to the messages of the chunk there.
Fate fate_of(const ModelChunk& chunk, std::size_t at, Compression compression) {
    const std::size_t place = at - chunk.start;
    if (place == 0) {
        return Fate::lost;  // no chunk any more
    }
    if (place < 9 + 16) {
        return Fate::intact;  // the outer length, which the inner one repeats, and times
    }
    // A compressed byte may carry bits that change nothing.
    const bool has_idle_bits = at >= chunk.records && compression != Compression::none;
    return has_idle_bits ? Fate::either : Fate::lost;
}

class McapExhaustiveDamage : public testing::TestWithParam<Compression> {
 protected:
    void SetUp() override {
        const char* const wish = std::getenv("TAMIS_EXHAUSTIVE");
        is_exhaustive_ = wish != nullptr && std::string_view(wish) == "1";
        McapWriterOptions options;
        options.compression = GetParam();
        options.chunk_bytes = 7000;
        const tests::ScratchFolder folder;
        // Grown until the file has 64 KiB.
        for (std::uint32_t count = 150; bytes_.size() < 65536; count += 10) {
            messages_ = tests::sample_messages(count, 300);
            options.existing = ExistingFile::replace;
            ASSERT_NO_FATAL_FAILURE(tests::write_sample(folder.file("a.mcap"), options, messages_));
            bytes_ = tests::read_bytes(folder.file("a.mcap"));
        }
        walk();
        ASSERT_GE(chunks_.size(), 8U);
    }

    // Finds the chunks by the records' lengths; how many messages each has the index after it says.
    void walk() {
        std::size_t messages = 0;
        for (std::size_t at = 8; at + 9 <= bytes_.size() && bytes_[at] != std::byte{0x0F};) {
            const std::size_t end = at + 9 + number_at(bytes_, at + 1, 8);
            if (bytes_[at] == std::byte{0x06}) {
                const std::size_t name = number_at(bytes_, at + 9 + 28, 4);
                chunks_.push_back({at, at + 9 + 32 + name + 8, end, messages, 0});
            } else if (bytes_[at] == std::byte{0x07}) {
                const std::size_t count = number_at(bytes_, at + 9 + 2, 4) / 16;
                chunks_.back().message_count += count;
                messages += count;
            }
            at = end;
        }
        ASSERT_EQ(messages, messages_.size());
    }

    bool is_all_but(const std::vector<SampleMessage>& found, const ModelChunk* lost) const {
        const std::size_t gap = lost == nullptr ? messages_.size() : lost->first_message;
        const std::size_t size = lost == nullptr ? 0 : lost->message_count;
        return found.size() == messages_.size() - size &&
               std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(gap),
                          messages_.begin()) &&
               std::equal(found.begin() + static_cast<std::ptrdiff_t>(gap), found.end(),
                          messages_.begin() + static_cast<std::ptrdiff_t>(gap + size));
    }
    const ModelChunk* chunk_at(std::size_t at) const {
        for (const ModelChunk& chunk : chunks_) {
            if (at >= chunk.start && at < chunk.end) {
                return &chunk;
            }
        }
        return nullptr;
    }
    void check_flip(std::size_t at, unsigned bit) {
        bytes_[at] ^= std::byte{1} << bit;
        auto reader = McapReader::from_bytes(bytes_);
        ASSERT_EQ(reader.has_value(), at >= 8) << at;
        if (reader) {
            const auto found = tests::read_all(*reader);
            const ModelChunk* const chunk = chunk_at(at);
            const Fate fate = chunk == nullptr ? Fate::intact : fate_of(*chunk, at, GetParam());
            ASSERT_TRUE((fate != Fate::lost && is_all_but(found, nullptr)) ||
                        (fate != Fate::intact && is_all_but(found, chunk)))
                << "byte " << at << " bit " << bit << ": " << found.size() << " of "
                << messages_.size() << " messages";
            ASSERT_NE(reader->end(), ReadEnd::complete) << "byte " << at << " bit " << bit;
        }
        bytes_[at] ^= std::byte{1} << bit;
    }

    bool is_exhaustive_ = false;
    std::vector<SampleMessage> messages_;
    std::vector<std::byte> bytes_;
    std::vector<ModelChunk> chunks_;
};

TEST_P(McapExhaustiveDamage, every_cut_leaves_the_whole_chunks_before_it) {
    const std::size_t step = is_exhaustive_ ? 1 : 53;
    for (std::size_t size = 8; size < bytes_.size(); size += step) {
        auto reader = McapReader::from_bytes(std::span(bytes_).first(size));
        ASSERT_TRUE(reader) << size;
        std::size_t expected = 0;
        for (const ModelChunk& chunk : chunks_) {
            expected += chunk.end <= size ? chunk.message_count : 0;
        }
        const auto found = tests::read_all(*reader);
        ASSERT_EQ(found.size(), expected) << size;
        ASSERT_TRUE(std::equal(found.begin(), found.end(), messages_.begin())) << size;
        ASSERT_EQ(reader->end(), ReadEnd::torn) << size;
    }
}

TEST_P(McapExhaustiveDamage, every_flipped_bit_does_what_the_model_says) {
    const std::size_t step = is_exhaustive_ ? 1 : 211;
    for (std::size_t position = 0; position < bytes_.size() * 8; position += step) {
        ASSERT_NO_FATAL_FAILURE(check_flip(position / 8, position % 8));
    }
}

INSTANTIATE_TEST_SUITE_P(EachCompression, McapExhaustiveDamage,
                         testing::Values(Compression::none, Compression::zstd, Compression::lz4),
                         [](const auto& parameter) {
                             const auto name = to_string(parameter.param);
                             return name.empty() ? std::string("none") : std::string(name);
                         });

}  // namespace
}  // namespace tamis::streams
