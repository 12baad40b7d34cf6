#include "streams/recording/repair_recording.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

class RepairRecording : public testing::Test {
 protected:
    void SetUp() override {
        McapWriterOptions options;
        options.chunk_bytes = 2000;
        ASSERT_NO_FATAL_FAILURE(tests::write_sample(folder_.file("whole.mcap"), options,
                                                    tests::sample_messages(40, 300)));
        bytes_ = tests::read_bytes(folder_.file("whole.mcap"));
    }
    // Repairs these bytes; what they give before and after must be the same.
    RepairSummary check(std::span<const std::byte> bytes) {
        std::ofstream(folder_.file("torn.mcap"), std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        RepairOptions options;
        options.input = folder_.file("torn.mcap");
        options.output = folder_.file("repaired.mcap");
        options.container.existing = ExistingFile::replace;
        const auto summary = repair_recording(options);
        EXPECT_TRUE(summary) << summary.error();
        auto before = McapReader::open(options.input);
        auto after = McapReader::open(options.output);
        EXPECT_TRUE(before && after);
        EXPECT_EQ(tests::read_all(*after), tests::read_all(*before));
        EXPECT_EQ(after->end(), ReadEnd::complete) << after->end_reason();
        EXPECT_EQ(after->header().profile, before->header().profile);
        const auto stated = after->read_summary();
        EXPECT_TRUE(stated && stated->is_checked);
        EXPECT_EQ(stated->contents.statistics.message_count, before->counts().messages);
        EXPECT_EQ(stated->contents.attachments.size(), before->seen().attachments.size());
        EXPECT_EQ(stated->contents.metadata.size(), before->seen().metadata.size() + 1);
        EXPECT_EQ(summary->counts.messages, before->counts().messages);
        EXPECT_EQ(summary->end, before->end());
        return *summary;
    }
    tests::ScratchFolder folder_;
    std::vector<std::byte> bytes_;
};

TEST_F(RepairRecording, copies_a_whole_file) {
    const RepairSummary summary = check(bytes_);
    EXPECT_EQ(summary.counts.messages, 40U);
    EXPECT_EQ(summary.attachments, 1U);
    EXPECT_EQ(summary.metadata, 1U);
    auto reader = McapReader::open(folder_.file("repaired.mcap"));
    ASSERT_TRUE(reader);
    EXPECT_EQ(tests::read_all(*reader), tests::sample_messages(40, 300));
    EXPECT_EQ(reader->find_channel(0)->metadata.at("origin"), "test");
}

TEST_F(RepairRecording, recovers_the_prefix_of_a_cut_file) {
    std::uint64_t fewest = 40;
    for (std::size_t size = kMcapMagic.size(); size < bytes_.size(); size += 97) {
        const RepairSummary summary = check(std::span(bytes_).first(size));
        ASSERT_EQ(summary.end, ReadEnd::torn) << size;
        ASSERT_FALSE(HasFailure()) << size;
        fewest = std::min(fewest, summary.counts.messages);
    }
    EXPECT_EQ(fewest, 0U);
}

TEST_F(RepairRecording, recovers_what_lies_around_damage) {
    bytes_[bytes_.size() / 2] ^= std::byte{1};
    const RepairSummary summary = check(bytes_);
    EXPECT_EQ(summary.end, ReadEnd::damaged);
    EXPECT_EQ(summary.counts.damaged_chunks, 1U);
    EXPECT_LT(summary.counts.messages, 40U);
    EXPECT_GT(summary.counts.messages, 25U);
}

TEST_F(RepairRecording, says_why_it_cannot) {
    RepairOptions options;
    options.input = folder_.file("absent.mcap");
    options.output = folder_.file("out.mcap");
    EXPECT_FALSE(repair_recording(options));
    options.input = folder_.file("whole.mcap");
    options.output = options.input;
    const auto onto_itself = repair_recording(options);
    ASSERT_FALSE(onto_itself);
    EXPECT_THAT(onto_itself.error(), testing::HasSubstr("exists"));
    EXPECT_EQ(tests::read_bytes(options.input), bytes_);
}

}  // namespace
}  // namespace tamis::streams
