// Events by run and number: with the index of a recording the same messages as by reading all of
// it, of fewer chunks; without one, or with one that is wrong, the same messages.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "streams/recording/fragment_recorder.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/recording/recording_reader.hpp"
#include "streams/recording/repair_recording.hpp"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::bytes_of;
using tests::ScratchFolder;
using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t end) { return random() % end; }

struct FoundMessage {
    std::string topic;
    std::uint32_t sequence = 0;
    std::string contents;
    bool operator==(const FoundMessage&) const = default;
};

FoundMessage found(const McapReader& file, const McapMessage& message) {
    return {file.find_channel(message.channel_id)->topic, message.sequence,
            std::string(reinterpret_cast<const char*>(message.contents.data()),
                        message.contents.size())};
}

bool selects(const RecordingSelection& selection, const McapReader& file,
             const McapMessage& message) {
    const std::string& topic = file.find_channel(message.channel_id)->topic;
    const auto& topics = selection.topics;
    const bool is_of_topic =
        topics.empty() || std::find(topics.begin(), topics.end(), topic) != topics.end();
    const auto event = find_event(file, message);
    const bool is_of_event = event && event->run == selection.run.value_or(event->run) &&
                             event->event >= selection.first_event &&
                             event->event <= selection.last_event;
    return is_of_topic && message.log_time_ns >= selection.from_ns &&
           message.log_time_ns < selection.until_ns && is_of_event;
}

// What reading all of the recording finds, and how many of its chunks could hold some of it.
struct Expected {
    std::vector<FoundMessage> messages;
    std::size_t chunks = 0;
    std::size_t all_chunks = 0;
};

McapKeyRange keys_of(const RecordingSelection& selection) {
    return {selection.run.value_or(0), selection.run.value_or(UINT32_MAX), selection.first_event,
            selection.last_event};
}

bool may_hold(const McapKeyRange& keys, std::uint64_t first_ns, std::uint64_t last_ns,
              const RecordingSelection& selection) {
    const McapKeyRange wanted = keys_of(selection);
    return last_ns >= selection.from_ns && first_ns < selection.until_ns &&
           keys.first_group <= wanted.last_group && wanted.first_group <= keys.last_group &&
           keys.first_number <= wanted.last_number && wanted.first_number <= keys.last_number;
}

Expected read_all_of(const std::string& path, const RecordingSelection& selection) {
    Expected expected;
    auto files = RecordingReader::open(path);
    EXPECT_TRUE(files) << files.error();
    for (const std::string& one : files->paths()) {
        std::vector<McapKeyRange> keys;  // of each chunk of the file
        auto reader = McapReader::open(one);
        while (const McapMessage* message = reader->next()) {
            keys.resize(reader->seen().chunks.size());
            if (const auto event = find_event(*reader, *message)) {
                keys.back().add({event->run, event->event});
            }
        }
        expected.all_chunks += keys.size();
        for (std::size_t chunk = 0; chunk < keys.size(); ++chunk) {
            const McapChunkIndex& times = reader->seen().chunks.at(chunk);
            expected.chunks +=
                may_hold(keys[chunk], times.start_time_ns, times.end_time_ns, selection) ? 1 : 0;
        }
    }
    while (const McapMessage* message = files->next()) {
        if (selects(selection, files->file(), *message)) {
            expected.messages.push_back(found(files->file(), *message));
        }
    }
    return expected;
}

std::vector<FoundMessage> read_selected(const std::string& path,
                                        const RecordingSelection& selection) {
    std::vector<FoundMessage> messages;
    auto reader = RecordingReader::open(path, selection);
    EXPECT_TRUE(reader) << reader.error();
    while (const McapMessage* message = reader->next()) {
        messages.push_back(found(reader->file(), *message));
    }
    return messages;
}

// Of all files of the recording.
std::size_t chunks_read(const std::string& path, const RecordingSelection& selection) {
    std::size_t chunks = 0;
    const auto files = RecordingReader::open(path);
    for (const std::string& one : files->paths()) {
        auto reader = McapReader::open(one);
        reader->select({selection.from_ns, selection.until_ns, keys_of(selection)});
        while (reader->next() != nullptr) {
        }
        EXPECT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
        chunks += reader->counts().chunks;
    }
    return chunks;
}

McapWriterOptions random_container(Random& random) {
    McapWriterOptions container;
    container.chunk_bytes = 200 + below(random, 6000);
    container.compression =
        std::array{Compression::none, Compression::zstd, Compression::lz4}[below(random, 3)];
    return container;
}

// Numbers 1 .. count, up to `distance` places from their order.
std::vector<std::uint64_t> disordered(Random& random, std::uint64_t count, std::uint64_t distance) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
    for (std::uint64_t number = 1; number <= count; ++number) {
        places.emplace_back(number + below(random, distance + 1), number);
    }
    std::sort(places.begin(), places.end());
    std::vector<std::uint64_t> numbers;
    for (const auto& [place, number] : places) {
        numbers.push_back(number);
    }
    return numbers;
}

// One file of fragments: one to three runs, one behind the other or mixed, and bytes that are none.
void record_fragments(const std::string& path, Random& random) {
    FragmentRecorderOptions options;
    options.path = path;
    options.container = random_container(random);
    auto recorder = FragmentRecorder::create(options);
    ASSERT_TRUE(recorder) << recorder.error();
    const std::uint64_t runs = 1 + below(random, 3);
    const bool is_mixed = below(random, 3) == 0;
    std::uint64_t now_ns = 0;
    for (std::uint64_t run = 1; run <= runs; ++run) {
        for (const std::uint64_t event :
             disordered(random, 50 + below(random, 150), below(random, 20))) {
            const std::uint64_t of_run = is_mixed ? 1 + below(random, runs) : run;
            const std::string fragment =
                below(random, 20) == 0 ? "no fragment\xff"
                                       : tests::sample_fragment(event, 1 + below(random, 3),
                                                                static_cast<std::uint32_t>(of_run));
            ASSERT_EQ((*recorder)->write(bytes_of(fragment), ++now_ns * 1000),
                      WriteStatus::written);
        }
    }
    ASSERT_TRUE((*recorder)->close({}, 0));
}

// Selected events in several files: of size, and of nodes that went on with the recording.
void record_selected(const std::string& path, Random& random) {
    RecordingOutputOptions options = tests::run_options(path);
    options.existing = ExistingRecording::continue_with;
    options.container = random_container(random);
    options.durability = Durability::group_commit;
    options.file_bytes = 10'000 + below(random, 20'000);
    std::uint64_t now_ns = 0;
    for (std::uint32_t node = 0; node < 2; ++node) {
        auto output = RecordingOutput::create(options);
        ASSERT_TRUE(output) << output.error();
        std::uint64_t sent = 0;
        for (const std::uint64_t event : disordered(random, 150, below(random, 20))) {
            const std::string selected = tests::sample_selected_event(event, {"physics"}, 7 + node);
            ASSERT_EQ((*output)->send(bytes_of(selected), 1 + below(random, 3), now_ns += 1000),
                      SendResult::delivered);
            if (++sent % 50 == 0) {
                ASSERT_TRUE(tests::wait_until_safe(**output, sent, now_ns));
            }
        }
        ASSERT_TRUE((*output)->close({}, now_ns));
    }
}

RecordingSelection random_selection(Random& random, const std::vector<std::string>& topics,
                                    std::uint32_t first_run) {
    RecordingSelection selection;
    selection.first_event = below(random, 180);
    selection.last_event = selection.first_event + below(random, 1 + below(random, 60));
    if (below(random, 3) == 0) {
        selection.last_event = UINT64_MAX;
    }
    if (below(random, 2) == 0) {
        selection.run = first_run + static_cast<std::uint32_t>(below(random, 4));
    }
    if (below(random, 4) == 0) {
        selection.from_ns = below(random, 300'000);
        selection.until_ns = selection.from_ns + below(random, 200'000);
    }
    if (below(random, 4) == 0) {
        selection.topics = {topics[below(random, topics.size())]};
    }
    return selection;
}

struct ChunkTotals {
    std::size_t read = 0;
    std::size_t all = 0;
};

void check_selections(const std::string& path, Random& random,
                      const std::vector<std::string>& topics, std::uint32_t first_run,
                      ChunkTotals& totals) {
    for (int count = 0; count < 12; ++count) {
        const RecordingSelection selection = random_selection(random, topics, first_run);
        const Expected expected = read_all_of(path, selection);
        EXPECT_EQ(read_selected(path, selection), expected.messages);
        const std::size_t read = chunks_read(path, selection);
        EXPECT_EQ(read, expected.chunks) << "of " << expected.all_chunks;
        totals.read += read;
        totals.all += expected.all_chunks;
    }
}

TEST(EventIndex, gives_the_fragments_that_reading_everything_gives) {
    ChunkTotals totals;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        const ScratchFolder folder;
        Random random(seed);
        const std::string path = folder.file("input.mcap");
        ASSERT_NO_FATAL_FAILURE(record_fragments(path, random));
        check_selections(path, random, {"fragments"}, 1, totals);
    }
    EXPECT_LT(totals.read, totals.all * 2 / 3);
}

TEST(EventIndex, gives_the_selected_events_that_reading_every_file_gives) {
    ChunkTotals totals;
    std::size_t files = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE(seed);
        const ScratchFolder folder;
        Random random(seed);
        const std::string path = folder.file("run.mcap");
        ASSERT_NO_FATAL_FAILURE(record_selected(path, random));
        files += RecordingReader::open(path)->paths().size();
        check_selections(path, random, {"physics", "anomaly"}, 7, totals);
    }
    EXPECT_GT(files, 3U * 8U);
    EXPECT_LT(totals.read, totals.all / 2);
}

TEST(EventIndex, one_event_of_a_long_run_is_in_one_chunk) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    auto output = RecordingOutput::create(tests::run_options(path));
    ASSERT_TRUE(output) << output.error();
    ASSERT_NO_FATAL_FAILURE(tests::send_events(**output, 1, 1000));
    ASSERT_TRUE((*output)->close({}, 2'000'000));
    RecordingSelection one;
    one.run = 7;
    one.first_event = one.last_event = 500;
    EXPECT_EQ(tests::read_run(path, one).events, tests::numbers(500, 500));
    EXPECT_LE(chunks_read(path, one), 1U);
    EXPECT_GT(McapReader::open(path)->read_summary()->contents.chunks.size(), 100U);
    one.run = 8;
    EXPECT_TRUE(tests::read_run(path, one).events.empty());
    EXPECT_EQ(chunks_read(path, one), 0U);
}

// A recording whose index is changed, with a summary whose checksum holds again.
class ChangedIndex : public testing::Test {
 protected:
    void SetUp() override {
        auto output = RecordingOutput::create(tests::run_options(folder_.file("run.mcap")));
        ASSERT_TRUE(output) << output.error();
        ASSERT_NO_FATAL_FAILURE(tests::send_events(**output, 1, 200));
        ASSERT_TRUE((*output)->close({}, 2'000'000));
        bytes_ = tests::read_bytes(folder_.file("run.mcap"));
        const auto mark = bytes_of(kKeyIndexMark);
        const auto at = std::search(bytes_.begin(), bytes_.end(), mark.begin(), mark.end());
        ASSERT_NE(at, bytes_.end());
        mark_ = static_cast<std::size_t>(at - bytes_.begin());
        list_bytes_ = mark_ + mark.size();
        all_chunks_ = McapReader::from_bytes(bytes_)->read_summary()->contents.chunks.size();
        wanted_.keys = McapKeyRange{7, 7, 100, 102};
    }
    void make_checksum_right() {
        std::uint64_t summary_start = 0;
        std::memcpy(&summary_start, &bytes_[bytes_.size() - 28], sizeof(summary_start));
        const std::uint32_t crc =
            crc32(std::span(bytes_).subspan(summary_start, bytes_.size() - 12 - summary_start));
        std::memcpy(&bytes_[bytes_.size() - 12], &crc, sizeof(crc));
    }
    // Reads what is wanted, which must be there. How many chunks were read for it.
    std::size_t chunks_of_reading(ReadEnd end) {
        auto reader = McapReader::from_bytes(bytes_);
        EXPECT_TRUE(reader);
        reader->select(wanted_);
        std::vector<std::uint64_t> events;
        while (const McapMessage* message = reader->next()) {
            const auto event = find_event(*reader, *message);
            if (message->channel_id == 0 && event->event >= 100 && event->event <= 102) {
                events.push_back(event->event);
            }
        }
        EXPECT_EQ(events, tests::numbers(100, 102));
        EXPECT_EQ(reader->end(), end) << reader->end_reason();
        return reader->counts().chunks;
    }

    ScratchFolder folder_;
    std::vector<std::byte> bytes_;
    std::size_t all_chunks_ = 0;
    std::size_t mark_ = 0;        // where the index begins
    std::size_t list_bytes_ = 0;  // where the length of its list is
    ChunkSelection wanted_;
};

TEST_F(ChangedIndex, is_followed_while_it_agrees_with_the_chunks) {
    make_checksum_right();
    EXPECT_LE(chunks_of_reading(ReadEnd::complete), 3U);
    EXPECT_GT(all_chunks_, 20U);
}

TEST_F(ChangedIndex, of_another_application_says_nothing) {
    bytes_[mark_] ^= std::byte{1};
    make_checksum_right();
    EXPECT_EQ(chunks_of_reading(ReadEnd::complete), all_chunks_);
}

TEST_F(ChangedIndex, of_a_chunk_that_is_not_there_is_not_believed) {
    bytes_[list_bytes_ + sizeof(std::uint32_t)] ^= std::byte{1};
    make_checksum_right();
    EXPECT_EQ(chunks_of_reading(ReadEnd::complete), all_chunks_);
}

TEST_F(ChangedIndex, with_a_chunk_missing_is_not_believed) {
    std::uint32_t list_bytes = 0;
    std::memcpy(&list_bytes, &bytes_[list_bytes_], sizeof(list_bytes));
    list_bytes -= list_bytes / static_cast<std::uint32_t>(all_chunks_);
    std::memcpy(&bytes_[list_bytes_], &list_bytes, sizeof(list_bytes));
    make_checksum_right();
    EXPECT_EQ(chunks_of_reading(ReadEnd::complete), all_chunks_);
}

TEST_F(ChangedIndex, longer_than_its_record_is_not_believed) {
    bytes_[list_bytes_ + 3] = std::byte{0x7f};
    make_checksum_right();
    EXPECT_EQ(chunks_of_reading(ReadEnd::complete), all_chunks_);
}

TEST_F(ChangedIndex, whose_checksum_does_not_hold_is_not_believed) {
    bytes_[list_bytes_ + 40] ^= std::byte{1};
    EXPECT_EQ(chunks_of_reading(ReadEnd::damaged), all_chunks_);
}

TEST_F(ChangedIndex, that_was_cut_off_is_not_missed) {
    bytes_.resize(mark_);
    EXPECT_EQ(chunks_of_reading(ReadEnd::torn), all_chunks_);
}

TEST_F(ChangedIndex, is_made_anew_by_a_repair) {
    RepairOptions options;
    options.input = folder_.file("run.mcap");
    options.output = folder_.file("repaired.mcap");
    options.container.chunk_bytes = 2000;
    options.key_of = [](const McapReader& file, const McapMessage& message) {
        const auto event = find_event(file, message);
        return event ? std::optional(McapKey{event->run, event->event}) : std::nullopt;
    };
    const auto repaired = repair_recording(options);
    ASSERT_TRUE(repaired) << repaired.error();
    bytes_ = tests::read_bytes(options.output);
    EXPECT_LE(chunks_of_reading(ReadEnd::complete), 4U);
    options.key_of = {};
    options.output = folder_.file("without.mcap");
    ASSERT_TRUE(repair_recording(options));
    bytes_ = tests::read_bytes(options.output);
    EXPECT_GT(chunks_of_reading(ReadEnd::complete), 20U);
}

}  // namespace
}  // namespace tamis::streams
