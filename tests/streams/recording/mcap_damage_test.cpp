// What is left of a damaged recording. The model: the messages of the chunks that are whole, in
// order; never another message, never a crash, and never "complete" for a file that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "streams/recording/mcap_reader.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::SampleMessage;

struct ChunkExtent {
    std::uint64_t start = 0;  // of the record
    std::uint64_t end = 0;
    std::size_t first_message = 0;
    std::size_t message_count = 0;
};

class McapDamage : public testing::TestWithParam<Compression> {
 protected:
    void SetUp() override {
        const tests::ScratchFolder folder;
        McapWriterOptions options;
        options.compression = GetParam();
        options.chunk_bytes = 1200;
        messages_ = tests::sample_messages(32, 150);
        ASSERT_NO_FATAL_FAILURE(
            tests::write_sample(folder.file("sample.mcap"), options, messages_));
        bytes_ = tests::read_bytes(folder.file("sample.mcap"));
        find_chunks();
        ASSERT_GE(chunks_.size(), 3U);
    }

    void find_chunks() {
        auto reader = McapReader::from_bytes(bytes_);
        ASSERT_TRUE(reader);
        std::size_t count = 0;
        while (reader->next() != nullptr) {
            const McapContents& seen = reader->seen();
            if (chunks_.size() < seen.chunks.size()) {
                const McapChunkIndex& chunk = seen.chunks.back();
                chunks_.push_back(
                    {chunk.chunk_offset, chunk.chunk_offset + chunk.chunk_bytes, count, 0});
            }
            ++chunks_.back().message_count;
            ++count;
        }
        ASSERT_EQ(count, messages_.size());
        ASSERT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
    }

    // All messages but those of one chunk.
    std::vector<SampleMessage> without(const ChunkExtent& chunk) const {
        std::vector<SampleMessage> rest = messages_;
        const auto first = rest.begin() + static_cast<std::ptrdiff_t>(chunk.first_message);
        rest.erase(first, first + static_cast<std::ptrdiff_t>(chunk.message_count));
        return rest;
    }

    const ChunkExtent* find_chunk_at(std::size_t offset) const {
        for (const ChunkExtent& chunk : chunks_) {
            if (offset >= chunk.start && offset < chunk.end) {
                return &chunk;
            }
        }
        return nullptr;
    }

    std::vector<SampleMessage> messages_;
    std::vector<std::byte> bytes_;
    std::vector<ChunkExtent> chunks_;
};

TEST_P(McapDamage, cut_at_any_byte_gives_all_whole_chunks) {
    for (std::size_t size = 0; size < bytes_.size(); ++size) {
        auto reader = McapReader::from_bytes(std::span(bytes_).first(size));
        if (size < kMcapMagic.size()) {
            EXPECT_FALSE(reader) << size;
            continue;
        }
        ASSERT_TRUE(reader) << size;
        std::size_t expected = 0;
        for (const ChunkExtent& chunk : chunks_) {
            expected += chunk.end <= size ? chunk.message_count : 0;
        }
        const auto found = tests::read_all(*reader);
        ASSERT_EQ(found.size(), expected) << size;
        ASSERT_TRUE(std::equal(found.begin(), found.end(), messages_.begin())) << size;
        ASSERT_EQ(reader->end(), ReadEnd::torn) << size;
        ASSERT_FALSE(reader->end_reason().empty());
    }
}

TEST_P(McapDamage, any_flipped_bit_costs_at_most_its_chunk_and_is_noticed) {
    for (std::size_t at = 0; at < bytes_.size(); ++at) {
        const ChunkExtent* const chunk = find_chunk_at(at);
        for (unsigned bit = 0; bit < 8; ++bit) {
            bytes_[at] ^= std::byte{1} << bit;
            auto reader = McapReader::from_bytes(bytes_);
            if (at < kMcapMagic.size()) {
                ASSERT_FALSE(reader) << at;
            } else {
                ASSERT_TRUE(reader) << at;
                const auto found = tests::read_all(*reader);
                const bool is_whole = found == messages_;
                ASSERT_TRUE(is_whole || (chunk != nullptr && found == without(*chunk)))
                    << "byte " << at << " bit " << bit << ": " << found.size() << " messages";
                ASSERT_NE(reader->end(), ReadEnd::complete) << "byte " << at << " bit " << bit;
            }
            bytes_[at] ^= std::byte{1} << bit;
        }
    }
}

TEST_P(McapDamage, any_flipped_bit_without_summary_costs_at_most_its_chunk_or_the_rest) {
    const std::size_t size = chunks_.back().end;
    for (std::size_t at = kMcapMagic.size(); at < size; ++at) {
        const ChunkExtent* const chunk = find_chunk_at(at);
        for (unsigned bit = 0; bit < 8; ++bit) {
            bytes_[at] ^= std::byte{1} << bit;
            auto reader = McapReader::from_bytes(std::span(bytes_).first(size));
            ASSERT_TRUE(reader);
            const auto found = tests::read_all(*reader);
            const bool is_prefix = found.size() <= messages_.size() &&
                                   std::equal(found.begin(), found.end(), messages_.begin());
            ASSERT_TRUE(is_prefix || (chunk != nullptr && found == without(*chunk)))
                << "byte " << at << " bit " << bit;
            ASSERT_NE(reader->end(), ReadEnd::complete);
            bytes_[at] ^= std::byte{1} << bit;
        }
    }
}

TEST_P(McapDamage, a_zeroed_chunk_is_passed_over_and_counted) {
    for (const ChunkExtent& chunk : chunks_) {
        std::vector<std::byte> damaged = bytes_;
        std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(chunk.start + kMcapPrefixBytes),
                  damaged.begin() + static_cast<std::ptrdiff_t>(chunk.end), std::byte{0});
        auto reader = McapReader::from_bytes(damaged);
        ASSERT_TRUE(reader);
        EXPECT_EQ(tests::read_all(*reader), without(chunk));
        EXPECT_EQ(reader->end(), ReadEnd::damaged);
        EXPECT_EQ(reader->counts().damaged_chunks, 1U);
    }
}

INSTANTIATE_TEST_SUITE_P(EachCompression, McapDamage,
                         testing::Values(Compression::none, Compression::zstd, Compression::lz4),
                         [](const auto& parameter) {
                             const auto name = to_string(parameter.param);
                             return name.empty() ? std::string("none") : std::string(name);
                         });

TEST(McapReader, refuses_what_is_no_recording) {
    const tests::ScratchFolder folder;
    tests::write_text(folder.file("text"), "not a recording at all");
    const auto text = McapReader::open(folder.file("text"));
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error(), testing::HasSubstr("not an MCAP file"));
    const auto absent = McapReader::open(folder.file("absent.mcap"));
    ASSERT_FALSE(absent);
    EXPECT_THAT(absent.error(), testing::HasSubstr("No such file"));
    EXPECT_FALSE(McapReader::open("/tmp"));
    EXPECT_FALSE(McapReader::from_bytes({}));
}

TEST(McapReader, allocates_nothing_for_a_chunk_that_claims_to_be_huge) {
    std::vector<std::byte> file(kMcapMagic.begin(), kMcapMagic.end());
    append_record(file, McapHeader{"", ""});
    McapChunk chunk;
    chunk.uncompressed_bytes = 1ULL << 60;
    chunk.compression = "zstd";
    chunk.records = tests::bytes_of("some bytes");
    append_chunk_prefix(file, chunk);
    file.insert(file.end(), chunk.records.begin(), chunk.records.end());
    auto reader = McapReader::from_bytes(file);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->next(), nullptr);
    EXPECT_EQ(reader->counts().damaged_chunks, 1U);
    EXPECT_EQ(reader->end(), ReadEnd::damaged);
}

}  // namespace
}  // namespace tamis::streams
