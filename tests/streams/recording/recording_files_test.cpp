// Recordings of several files: when a new one begins, and what is noticed when one is not there.
#include "streams/recording/recording_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using testing::HasSubstr;
using tests::numbers;
using tests::read_run;
using tests::run_options;
using tests::ScratchFolder;
using tests::send_events;

// With time for the disk, without which no next file begins.
void record(RecordingOutputOptions options, std::uint64_t first, std::uint64_t last) {
    options.durability = Durability::group_commit;
    auto output = RecordingOutput::create(options);
    ASSERT_TRUE(output) << output.error();
    for (std::uint64_t event = first; event <= last; ++event) {
        ASSERT_NO_FATAL_FAILURE(send_events(**output, event, event));
        if (event % 50 == 0) {
            ASSERT_TRUE(tests::wait_until_safe(**output, event - first + 1, event * 1000));
        }
    }
    const auto closed = (*output)->close({}, last * 1000);
    ASSERT_TRUE(closed) << closed.error();
    EXPECT_EQ((*output)->durable_count(), last - first + 1);
}

RecordingOutputOptions small_files(const std::string& path) {
    RecordingOutputOptions options = run_options(path);
    options.file_bytes = 100'000;  // a file's description alone takes some 8,000
    return options;
}

TEST(RecordingFiles, are_numbered_before_the_extension) {
    EXPECT_EQ(recording_file("a/run.mcap", 1), "a/run.mcap");
    EXPECT_EQ(recording_file("a/run.mcap", 2), "a/run.0002.mcap");
    EXPECT_EQ(recording_file("run", 12345), "run.12345");
    const ScratchFolder folder;
    for (const char* name : {"run.mcap", "run.0002.mcap.part", "run.0010.mcap", "run.002.mcap",
                             "run.000x.mcap", "other.0003.mcap", "run.0003.mcap.old"}) {
        tests::write_text(folder.file(name), "x");
    }
    EXPECT_THAT(find_recording_files(folder.file("run.mcap")), testing::ElementsAre(1, 2, 10));
    EXPECT_THAT(find_recording_files(folder.file("absent.mcap")), testing::IsEmpty());
}

TEST(RecordingFiles, say_their_place) {
    FilePlace place{3, "run.0002.mcap", PredecessorState::closed, 0x0a0b0c0d, 2, 77};
    const auto parsed = parse_file_place(to_metadata(place).texts);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->number, 3U);
    EXPECT_EQ(parsed->predecessor, "run.0002.mcap");
    EXPECT_EQ(parsed->predecessor_state, PredecessorState::closed);
    EXPECT_EQ(parsed->predecessor_data_crc, 0x0a0b0c0dU);
    EXPECT_EQ(parsed->first_number, 2U);
    EXPECT_EQ(parsed->repeats_from, 77U);
    EXPECT_FALSE(parse_file_place(to_metadata(FilePlace{}).texts)->repeats_from);
    EXPECT_EQ(parse_file_place(to_metadata(FilePlace{}).texts)->predecessor_state,
              PredecessorState::none);
    EXPECT_FALSE(parse_file_place({{"number", "many"}, {"first_number", "1"}}));
    EXPECT_FALSE(parse_file_place({}));
}

TEST(RecordingFiles, a_new_one_begins_when_one_is_large) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    ASSERT_NO_FATAL_FAILURE(record(small_files(path), 1, 1000));
    const auto run = read_run(path);
    EXPECT_EQ(run.events, numbers(1, 1000));
    EXPECT_EQ(run.copies, 333U);
    EXPECT_EQ(run.end, ReadEnd::complete) << run.reason;
    EXPECT_GE(run.files, 3U);
    std::size_t in_files = 0;
    for (const std::uint32_t number : find_recording_files(path)) {
        const std::string file = recording_file(path, number);
        EXPECT_TRUE(std::filesystem::exists(file)) << "has its final name: " << file;
        EXPECT_LE(std::filesystem::file_size(file), 350'000U) << "50 events more at most";
        const auto alone = McapReader::open(file);
        ASSERT_TRUE(alone);
    }
    for (const std::uint32_t number : find_recording_files(path)) {
        if (number > 1) {
            const auto alone = read_run(recording_file(path, number));
            EXPECT_EQ(alone.end, ReadEnd::complete) << alone.reason;
            in_files += alone.events.size();
        }
    }
    EXPECT_GT(in_files, 300U);
    EXPECT_LT(in_files, 1000U);
}

TEST(RecordingFiles, a_new_one_begins_when_one_is_old) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    RecordingOutputOptions options = run_options(path);
    options.file_ns = 100'000;  // of the test's clock: 100 events
    auto output = RecordingOutput::create(options);
    ASSERT_TRUE(output) << output.error();
    for (std::uint64_t event = 1; event <= 350; ++event) {
        ASSERT_NO_FATAL_FAILURE(send_events(**output, event, event));
        if (event % 100 == 1) {
            ASSERT_TRUE(tests::wait_until_safe(**output, 0, 0));
        }
    }
    EXPECT_GE((*output)->file_number(), 2U);  // more, unless the disk was slow to close the first
    ASSERT_TRUE((*output)->close({}, 400'000));
    const auto run = read_run(path);
    EXPECT_EQ(run.events, numbers(1, 350));
    EXPECT_EQ(run.end, ReadEnd::complete) << run.reason;
}

TEST(RecordingFiles, a_missing_one_is_noticed) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    ASSERT_NO_FATAL_FAILURE(record(small_files(path), 1, 1000));
    const std::size_t second = read_run(recording_file(path, 2)).events.size();
    std::filesystem::remove(recording_file(path, 2));
    const auto run = read_run(path);
    EXPECT_EQ(run.end, ReadEnd::damaged);
    EXPECT_THAT(run.reason, HasSubstr("run.0002.mcap is missing: run.0003.mcap follows it"));
    EXPECT_EQ(run.events.size(), 1000 - second);
}

// A writer that died before its first byte, or before it had said what the file is.
TEST(RecordingFiles, one_that_holds_nothing_yet_hides_none_of_the_others) {
    for (const std::uint32_t number : {1U, 2U, 3U}) {
        for (const std::size_t bytes : {0U, 8U, 40U}) {
            const ScratchFolder folder;
            const std::string path = folder.file("run.mcap");
            RecordingOutputOptions options = run_options(path);
            std::vector<std::uint64_t> events;
            for (std::uint32_t file = 1; file <= 3; ++file) {
                const std::string name = recording_file(path, file);
                options.existing =
                    file == 1 ? ExistingRecording::refuse : ExistingRecording::continue_with;
                ASSERT_NO_FATAL_FAILURE(record(options, file * 100, file * 100 + 9));
                ASSERT_TRUE(std::filesystem::exists(name));
                if (file == number) {
                    std::filesystem::resize_file(name, bytes);
                    std::filesystem::rename(name, name + ".part");
                } else {
                    const auto more = numbers(file * 100, file * 100 + 9);
                    events.insert(events.end(), more.begin(), more.end());
                }
            }
            const auto run = read_run(path);
            EXPECT_EQ(run.events, events) << number << ", " << bytes << " bytes";
            EXPECT_EQ(run.end, ReadEnd::torn) << run.reason;
            const std::string name = std::filesystem::path(recording_file(path, number)).filename();
            EXPECT_THAT(run.reason, HasSubstr(name + ": "));
        }
    }
}

TEST(RecordingFiles, a_missing_first_one_is_noticed_and_the_others_read) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    ASSERT_NO_FATAL_FAILURE(record(run_options(path), 1, 10));
    RecordingOutputOptions options = run_options(path);
    options.existing = ExistingRecording::continue_with;
    ASSERT_NO_FATAL_FAILURE(record(options, 11, 20));
    std::filesystem::remove(path);
    const auto run = read_run(path);
    EXPECT_EQ(run.events, numbers(11, 20));
    EXPECT_EQ(run.end, ReadEnd::damaged);
    EXPECT_THAT(run.reason, HasSubstr("run.mcap is missing"));
}

TEST(RecordingFiles, one_of_another_recording_is_noticed) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record(small_files(folder.file("run.mcap")), 1, 1000));
    ASSERT_NO_FATAL_FAILURE(record(run_options(folder.file("other.mcap")), 2000, 2100));
    std::filesystem::copy(folder.file("other.mcap"), folder.file("run.mcap"),
                          std::filesystem::copy_options::overwrite_existing);
    const auto run = read_run(folder.file("run.mcap"));
    EXPECT_EQ(run.end, ReadEnd::damaged);
    EXPECT_THAT(run.reason, HasSubstr("run.mcap is not the file that run.0002.mcap follows"));
    // A name alone makes no part of a recording.
    std::filesystem::copy(folder.file("other.mcap"), folder.file("other.0002.mcap"),
                          std::filesystem::copy_options::overwrite_existing);
    const auto other = read_run(folder.file("other.mcap"));
    EXPECT_EQ(other.files, 1U);
    EXPECT_EQ(other.end, ReadEnd::complete) << other.reason;
}

TEST(RecordingFiles, existing_ones_are_refused_replaced_or_continued) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    ASSERT_NO_FATAL_FAILURE(record(small_files(path), 1, 500));
    const std::size_t files = find_recording_files(path).size();
    ASSERT_GE(files, 2U);
    RecordingOutputOptions options = run_options(path);
    const auto refused = RecordingOutput::create(options);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("run.mcap exists"));

    options.existing = ExistingRecording::continue_with;
    ASSERT_NO_FATAL_FAILURE(record(options, 501, 600));
    {
        auto dies = RecordingOutput::create(options);
        ASSERT_TRUE(dies) << dies.error();
        ASSERT_NO_FATAL_FAILURE(send_events(**dies, 601, 700));
        ASSERT_TRUE(tests::wait_until_safe(**dies, 100, 2'000'000'000));
    }
    ASSERT_NO_FATAL_FAILURE(record(options, 701, 800));
    const auto run = read_run(path);
    EXPECT_EQ(run.events, numbers(1, 800));
    EXPECT_EQ(run.files, files + 3);
    EXPECT_EQ(run.end, ReadEnd::torn);
    EXPECT_EQ(run.repeated, 0U);

    std::filesystem::remove(path);
    options.existing = ExistingRecording::refuse;
    EXPECT_FALSE(RecordingOutput::create(options)) << "later files are there";
    options.existing = ExistingRecording::replace;
    ASSERT_NO_FATAL_FAILURE(record(options, 1, 10));
    EXPECT_THAT(find_recording_files(path), testing::ElementsAre(1));
    EXPECT_EQ(read_run(path).events, numbers(1, 10));
}

TEST(RecordingReader, gives_what_was_selected) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    ASSERT_NO_FATAL_FAILURE(record(small_files(path), 1, 1000));
    RecordingSelection times;
    times.from_ns = 250'000;
    times.until_ns = 750'000;
    EXPECT_EQ(read_run(path, times).events, numbers(250, 749));
    EXPECT_EQ(read_run(path, times).end, ReadEnd::complete);
    RecordingSelection events;
    events.first_event = 400;
    events.last_event = 402;
    EXPECT_EQ(read_run(path, events).events, numbers(400, 402));
    EXPECT_EQ(read_run(path, events).copies, 1U);
    events.run = 8;
    EXPECT_TRUE(read_run(path, events).events.empty());
    RecordingSelection stream;
    stream.topics = {"anomaly"};
    EXPECT_TRUE(read_run(path, stream).events.empty());
    EXPECT_EQ(read_run(path, stream).copies, 333U);
}

TEST(McapReader, reads_only_the_chunks_of_the_times_asked_for) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    ASSERT_NO_FATAL_FAILURE(record(run_options(path), 1, 1000));
    const auto bytes = tests::read_bytes(path);
    const auto whole = McapReader::from_bytes(bytes)->read_summary();
    ASSERT_TRUE(whole);
    // With an index, and of a file that ends before its index.
    for (const std::size_t size : {bytes.size(), std::size_t(whole->data_end_offset)}) {
        auto reader = McapReader::from_bytes(std::span(bytes).first(size));
        ASSERT_TRUE(reader);
        reader->select({.from_ns = 500'000, .until_ns = 500'001, .keys = {}, .topics = {}});
        std::size_t count = 0;
        bool found = false;
        while (const McapMessage* message = reader->next()) {
            found = found || message->log_time_ns == 500'000;
            ++count;
        }
        EXPECT_TRUE(found);
        EXPECT_LT(count, 20U) << size;
        EXPECT_EQ(reader->end(), size == bytes.size() ? ReadEnd::complete : ReadEnd::torn);
    }
}

TEST(McapReader, reads_only_the_chunks_of_the_streams_asked_for) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    auto output = RecordingOutput::create(run_options(path));
    ASSERT_TRUE(output) << output.error();
    for (std::uint64_t event = 1; event <= 1000; ++event) {
        const bool is_anomaly = event >= 500 && event < 510;
        const std::string selected = tests::sample_selected_event(event, {"physics"});
        ASSERT_EQ((*output)->send(tests::bytes_of(selected), is_anomaly ? 2 : 1, event * 1000),
                  SendResult::delivered);
    }
    ASSERT_TRUE((*output)->close({}, 2'000'000));
    RecordingSelection anomalies;
    anomalies.topics = {"anomaly"};
    EXPECT_EQ(read_run(path, anomalies).copies, 10U);
    EXPECT_TRUE(read_run(path, anomalies).events.empty());
    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader);
    reader->select({.from_ns = 0, .until_ns = UINT64_MAX, .keys = {}, .topics = {"anomaly"}});
    const auto messages = tests::read_all(*reader);
    EXPECT_EQ(std::count_if(messages.begin(), messages.end(),
                            [](const auto& message) { return message.channel_id == 1; }),
              10);
    EXPECT_LE(reader->counts().chunks, 11U);
    EXPECT_GT(reader->read_summary()->contents.chunks.size(), 100U);
    // Where every chunk is wanted, all of the file is read and vouched for.
    auto whole = McapReader::open(path);
    whole->select({.from_ns = 0, .until_ns = UINT64_MAX, .keys = McapKeyRange{7, 7, 0, 2000}});
    EXPECT_EQ(tests::read_all(*whole).size(), 1000U);
    EXPECT_EQ(whole->position(), whole->file_bytes());
}

}  // namespace
}  // namespace tamis::streams
