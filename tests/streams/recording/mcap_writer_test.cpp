#include "streams/recording/mcap_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "streams/recording/mcap_reader.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::bytes_of;
using tests::sample_messages;
using tests::ScratchFolder;

class McapRoundTrip : public testing::TestWithParam<Compression> {};

TEST_P(McapRoundTrip, gives_back_every_message_attachment_and_text) {
    const ScratchFolder folder;
    const std::string path = folder.file("sample.mcap");
    const auto messages = sample_messages(500, 300);
    McapWriterOptions options;
    options.compression = GetParam();
    options.chunk_bytes = 16 * 1024;
    ASSERT_NO_FATAL_FAILURE(tests::write_sample(path, options, messages));

    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_EQ(reader->header().profile, "tamis");
    EXPECT_EQ(tests::read_all(*reader), messages);
    EXPECT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
    EXPECT_GT(reader->counts().chunks, 5U);
    EXPECT_EQ(reader->counts().damaged_chunks + reader->counts().damaged_records +
                  reader->counts().unknown_records,
              0U);
    ASSERT_NE(reader->find_channel(0), nullptr);
    EXPECT_EQ(reader->find_channel(0)->topic, "even");
    EXPECT_EQ(reader->find_channel(0)->metadata.at("origin"), "test");
    EXPECT_EQ(reader->find_schema(1)->name, "sample.Text");
    ASSERT_EQ(reader->seen().attachments.size(), 1U);
    const auto attachment = reader->read_attachment(reader->seen().attachments[0]);
    ASSERT_TRUE(attachment) << attachment.error();
    EXPECT_EQ(*attachment,
              std::vector<std::byte>(bytes_of("path { }").begin(), bytes_of("path { }").end()));
    const auto metadata = reader->read_metadata(reader->seen().metadata.at(0));
    ASSERT_TRUE(metadata) << metadata.error();
    EXPECT_EQ(metadata->texts.at("number"), "42");
}

TEST_P(McapRoundTrip, summary_agrees_with_what_reading_counts) {
    const ScratchFolder folder;
    const std::string path = folder.file("sample.mcap");
    McapWriterOptions options;
    options.compression = GetParam();
    options.chunk_bytes = 16 * 1024;
    ASSERT_NO_FATAL_FAILURE(tests::write_sample(path, options, sample_messages(501, 300)));

    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    const auto summary = reader->read_summary();
    ASSERT_TRUE(summary);
    EXPECT_TRUE(summary->is_checked);
    EXPECT_EQ(tests::read_all(*reader).size(), 501U);
    const McapContents& seen = reader->seen();
    const McapContents& stated = summary->contents;
    EXPECT_EQ(stated.statistics.message_count, 501U);
    EXPECT_EQ(stated.statistics.channel_message_counts, seen.statistics.channel_message_counts);
    EXPECT_EQ(stated.statistics.start_time_ns, seen.statistics.start_time_ns);
    EXPECT_EQ(stated.statistics.end_time_ns, seen.statistics.end_time_ns);
    EXPECT_EQ(stated.statistics.chunk_count, seen.statistics.chunk_count);
    EXPECT_EQ(stated.statistics.attachment_count, 1U);
    EXPECT_EQ(stated.statistics.metadata_count, 1U);
    EXPECT_EQ(stated.schemas, seen.schemas);
    EXPECT_EQ(stated.channels, seen.channels);
    ASSERT_EQ(stated.chunks.size(), seen.chunks.size());
    for (std::size_t index = 0; index < seen.chunks.size(); ++index) {
        EXPECT_EQ(stated.chunks[index].chunk_offset, seen.chunks[index].chunk_offset);
        EXPECT_EQ(stated.chunks[index].chunk_bytes, seen.chunks[index].chunk_bytes);
        EXPECT_EQ(stated.chunks[index].start_time_ns, seen.chunks[index].start_time_ns);
        EXPECT_EQ(stated.chunks[index].end_time_ns, seen.chunks[index].end_time_ns);
    }
}

INSTANTIATE_TEST_SUITE_P(EachCompression, McapRoundTrip,
                         testing::Values(Compression::none, Compression::zstd, Compression::lz4),
                         [](const auto& parameter) {
                             const auto name = to_string(parameter.param);
                             return name.empty() ? std::string("none") : std::string(name);
                         });

TEST(McapWriter, takes_its_name_only_when_it_is_whole) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    {
        auto writer = McapWriter::create(path, {});
        ASSERT_TRUE(writer) << writer.error();
        EXPECT_TRUE(std::filesystem::exists(path + ".part"));
        EXPECT_FALSE(std::filesystem::exists(path));
        ASSERT_EQ((*writer)->close(), WriteStatus::written);
    }
    EXPECT_FALSE(std::filesystem::exists(path + ".part"));
    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_EQ(reader->next(), nullptr);
    EXPECT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
}

TEST(McapWriter, leaves_whole_chunks_behind_when_it_dies) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    const auto messages = sample_messages(10, 100);
    {
        auto writer = McapWriter::create(path, {});
        ASSERT_TRUE(writer) << writer.error();
        const auto channel = (*writer)->add_channel(0, "topic", "text");
        for (const auto& message : messages) {
            ASSERT_EQ((*writer)->write({channel, message.sequence, message.log_time_ns,
                                        message.publish_time_ns, bytes_of(message.contents)}),
                      WriteStatus::written);
            if (message.sequence == 6) {
                ASSERT_EQ((*writer)->flush(), WriteStatus::written);
            }
        }
    }
    auto reader = McapReader::open(path);  // finds run.mcap.part
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_EQ(reader->path(), path + ".part");
    EXPECT_EQ(tests::read_all(*reader).size(), 7U);
    EXPECT_EQ(reader->end(), ReadEnd::torn);
    EXPECT_FALSE(reader->read_summary());
}

TEST(McapWriter, overwrites_neither_a_recording_nor_the_rest_of_a_dead_writer) {
    const ScratchFolder folder;
    for (const std::string name : {"done.mcap", "dead.mcap.part"}) {
        tests::write_text(folder.file(name), "precious");
    }
    for (const std::string name : {"done.mcap", "dead.mcap"}) {
        const auto refused = McapWriter::create(folder.file(name), {});
        ASSERT_FALSE(refused);
        EXPECT_THAT(refused.error(), testing::HasSubstr("exists"));
        McapWriterOptions options;
        options.existing = ExistingFile::replace;
        auto replaced = McapWriter::create(folder.file(name), options);
        ASSERT_TRUE(replaced) << replaced.error();
        EXPECT_EQ((*replaced)->close(), WriteStatus::written);
    }
}

TEST(McapWriter, says_what_the_system_said_when_the_folder_is_absent) {
    const auto refused = McapWriter::create("/nonexistent/run.mcap", {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), testing::HasSubstr("No such file or directory"));
}

TEST(McapWriter, reports_a_full_disk) {
    if (!std::filesystem::exists("/dev/full")) {
        GTEST_SKIP() << "this system has no /dev/full";
    }
    const auto refused = McapWriter::create("/dev/full", {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), testing::HasSubstr("No space left on device"));
}

// Files of this process may not grow beyond a size, as on a full disk.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        before_action_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, before_action_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
    rlimit before_{};
    void (*before_action_)(int) = nullptr;
};

TEST(McapWriter, goes_on_where_it_was_when_a_full_disk_has_room_again) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    const auto messages = sample_messages(100, 1000);
    McapWriterOptions options;
    options.compression = Compression::none;
    options.chunk_bytes = 10'000;
    auto created = McapWriter::create(path, options);
    ASSERT_TRUE(created) << created.error();
    McapWriter& writer = **created;
    ASSERT_EQ(writer.add_channel(0, "even", "text"), 0);
    ASSERT_EQ(writer.add_channel(0, "odd", "text"), 1);
    const auto write = [&](const tests::SampleMessage& message) {
        return writer.write({message.channel_id, message.sequence, message.log_time_ns,
                             message.publish_time_ns, bytes_of(message.contents)});
    };
    std::size_t next = 0;
    {
        const FileSizeLimit limit(45'000);  // within the fifth chunk
        while (write(messages.at(next)) == WriteStatus::written) {
            ++next;
        }
        EXPECT_EQ(write(messages.at(next)), WriteStatus::no_space);
        EXPECT_EQ(writer.close(), WriteStatus::no_space);
        EXPECT_THAT(writer.error(), testing::HasSubstr("File too large"));
        auto reader = McapReader::open(path);
        ASSERT_TRUE(reader) << reader.error();
        EXPECT_EQ(tests::read_all(*reader).size(), 40U);
        EXPECT_EQ(reader->end_reason(), "the file ends before its data does") << "no torn record";
    }
    for (; next < messages.size(); ++next) {
        ASSERT_EQ(write(messages[next]), WriteStatus::written) << writer.error();
    }
    ASSERT_EQ(writer.close(), WriteStatus::written) << writer.error();
    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_EQ(tests::read_all(*reader), messages);
    EXPECT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
}

TEST(McapWriter, writes_a_message_larger_than_a_chunk) {
    const ScratchFolder folder;
    const std::string path = folder.file("large.mcap");
    McapWriterOptions options;
    options.chunk_bytes = 1024;
    const auto messages = sample_messages(3, 100'000);
    ASSERT_NO_FATAL_FAILURE(tests::write_sample(path, options, messages));
    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_EQ(tests::read_all(*reader), messages);
}

}  // namespace
}  // namespace tamis::streams
