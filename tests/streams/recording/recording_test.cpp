// Recording of fragments and of selected events, and their replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "streams/recording/fragment_recorder.hpp"
#include "streams/recording/recorded_decision.hpp"
#include "streams/recording/recording_input.hpp"
#include "streams/recording/recording_output.hpp"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::bytes_of;
using tests::CollectingSink;
using tests::sample_fragment;
using tests::sample_selected_event;
using tests::ScratchFolder;

constexpr std::uint64_t kUtcOffset = 1'000'000'000'000ULL;
const std::vector<std::string> kStreams = {"physics", "anomaly", "debug"};
const RecordingLabels kLabels = {{{"tamis.run", {{"run", "7"}, {"menu_hash", "abcdef"}}}},
                                 {{"menu.pbtxt", "text/plain", "path { name: \"any\" }"}}};

std::vector<std::string> names_of(StreamMask streams) {
    std::vector<std::string> names;
    for (std::size_t bit = 0; bit < kStreams.size(); ++bit) {
        if ((streams >> bit & 1U) != 0) {
            names.push_back(kStreams[bit]);
        }
    }
    return names;
}

RecordingOutputOptions output_options(const std::string& path) {
    RecordingOutputOptions options;
    options.path = path;
    options.stream_names = kStreams;
    options.labels = kLabels;
    options.utc_minus_steady_ns = kUtcOffset;
    return options;
}

RecordingInputOptions input_options(const std::string& path) {
    RecordingInputOptions options;
    options.path = path;
    return options;
}

// Events 0 .. count-1, event n in the streams with the bits of n % 7 + 1.
void record_events(const std::string& path, std::uint64_t count) {
    auto output = RecordingOutput::create(output_options(path));
    ASSERT_TRUE(output) << output.error();
    for (std::uint64_t event = 0; event < count; ++event) {
        const StreamMask streams = event % 7 + 1;
        const std::string selected = sample_selected_event(event, names_of(streams));
        ASSERT_EQ((*output)->send(bytes_of(selected), streams, event * 1000),
                  SendResult::delivered);
    }
    EXPECT_EQ((*output)->event_count(), count);
    const RecordingLabels summary = {{}, {{"run_summary.json", "application/json", "{}"}}};
    const auto closed = (*output)->close(summary, count * 1000);
    ASSERT_TRUE(closed) << closed.error();
}

TEST(RecordingOutput, writes_an_event_to_the_channel_of_each_of_its_streams) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_events(folder.file("run.mcap"), 70));
    auto reader = McapReader::open(folder.file("run.mcap"));
    ASSERT_TRUE(reader) << reader.error();
    std::map<std::string, std::vector<std::uint32_t>> sequences;
    while (const McapMessage* message = reader->next()) {
        const McapChannel& channel = *reader->find_channel(message->channel_id);
        EXPECT_EQ(channel.message_encoding, "protobuf");
        EXPECT_EQ(reader->find_schema(channel.schema_id)->name, "tamis.wire.SelectedEvent");
        sequences[channel.topic].push_back(message->sequence);
        EXPECT_EQ(message->log_time_ns, kUtcOffset + (message->sequence - 1) * 1000);
        EXPECT_EQ(message->publish_time_ns,
                  1'600'000'000'000'000'000ULL + (message->sequence - 1) * 1'000'000ULL);
    }
    EXPECT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
    EXPECT_EQ(sequences["physics"].size(), 40U);
    EXPECT_EQ(sequences["anomaly"].size(), 40U);
    EXPECT_EQ(sequences["debug"].size(), 40U);
    EXPECT_EQ(reader->seen().attachments.size(), 2U);
    EXPECT_EQ(reader->seen().attachments.at(1).name, "run_summary.json");
    EXPECT_EQ(reader->seen().metadata.at(0).name, "tamis.run");
}

TEST(RecordingOutput, refuses_what_belongs_to_no_stream_or_is_no_selected_event) {
    const ScratchFolder folder;
    auto output = RecordingOutput::create(output_options(folder.file("run.mcap")));
    ASSERT_TRUE(output) << output.error();
    const std::string selected = sample_selected_event(1, {});
    EXPECT_EQ((*output)->send(bytes_of(selected), 0, 0), SendResult::failed);
    EXPECT_EQ((*output)->send(bytes_of(selected), 1U << 3, 0), SendResult::failed);
    EXPECT_EQ((*output)->send(bytes_of("\xff\xff"), 1, 0), SendResult::failed);
    EXPECT_EQ((*output)->send({}, 1, 0), SendResult::failed);
    EXPECT_EQ((*output)->event_count(), 0U);
}

TEST(RecordingOutput, writes_its_chunk_out_when_the_oldest_event_has_waited) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    RecordingOutputOptions options = output_options(path);
    options.flush_after_ns = 500;
    auto output = RecordingOutput::create(options);
    ASSERT_TRUE(output) << output.error();
    const std::string selected = sample_selected_event(1, {"physics"});
    ASSERT_EQ((*output)->send(bytes_of(selected), 1, 100), SendResult::delivered);
    ASSERT_EQ((*output)->send(bytes_of(selected), 1, 500), SendResult::delivered);
    EXPECT_EQ((*output)->poll(599), 0U);
    EXPECT_EQ((*output)->poll(600), 2U);
    EXPECT_EQ((*output)->poll(5000), 0U);
    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_EQ(tests::read_all(*reader).size(), 2U);
    EXPECT_EQ(reader->end(), ReadEnd::torn);
}

TEST(RecordingInput, gives_every_fragment_of_every_selected_event_once) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_events(folder.file("run.mcap"), 50));
    auto input = RecordingInput::open(input_options(folder.file("run.mcap")));
    ASSERT_TRUE(input) << input.error();
    CollectingSink sink;
    while (!(*input)->is_exhausted()) {
        EXPECT_LE((*input)->poll(sink, 77, 4), 4U);
    }
    std::vector<std::string> expected;
    for (std::uint64_t event = 0; event < 50; ++event) {
        for (std::uint32_t source = 1; source <= 3; ++source) {
            expected.push_back(sample_fragment(event, source));
        }
    }
    EXPECT_EQ(sink.messages, expected);
    EXPECT_THAT(sink.arrivals_ns, testing::Each(77U));
    EXPECT_EQ((*input)->counts().selected_events, 50U);
    EXPECT_GT((*input)->counts().repeated_events, 0U);
    EXPECT_EQ((*input)->reader().end(), ReadEnd::complete);
}

TEST(RecordingInput, gives_one_stream_alone) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_events(folder.file("run.mcap"), 7));
    RecordingInputOptions options = input_options(folder.file("run.mcap"));
    options.selection.topics = {"debug"};
    auto input = RecordingInput::open(options);
    ASSERT_TRUE(input) << input.error();
    CollectingSink sink;
    EXPECT_EQ((*input)->poll(sink, 0, 1000), 4U * 3U);  // masks 4 to 7 have the third stream
    EXPECT_TRUE((*input)->is_exhausted());
    options.selection.topics = {"physic"};
    const auto absent = RecordingInput::open(options);
    ASSERT_FALSE(absent);
    EXPECT_THAT(absent.error(), testing::HasSubstr("physics, anomaly, debug"));
}

void record_fragments(const std::string& path, std::uint64_t events) {
    FragmentRecorderOptions options;
    options.path = path;
    options.utc_minus_steady_ns = kUtcOffset;
    auto recorder = FragmentRecorder::create(options);
    ASSERT_TRUE(recorder) << recorder.error();
    for (std::uint64_t event = 0; event < events; ++event) {
        for (std::uint32_t source = 1; source <= 2; ++source) {
            (*recorder)->on_message(bytes_of(sample_fragment(event, source)),
                                    event * 1000 + source);
        }
    }
    EXPECT_EQ((*recorder)->lost_count(), 0U);
    const auto closed = (*recorder)->close({}, kUtcOffset);
    ASSERT_TRUE(closed) << closed.error();
}

TEST(RecordingInput, gives_recorded_fragments_byte_for_byte) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_fragments(folder.file("input.mcap"), 20));
    auto input = RecordingInput::open(input_options(folder.file("input.mcap")));
    ASSERT_TRUE(input) << input.error();
    CollectingSink sink;
    sink.capacity = 5;
    EXPECT_EQ((*input)->poll(sink, 0, 1000), 5U) << "stops while the sink is not ready";
    sink.capacity = SIZE_MAX;
    EXPECT_EQ((*input)->poll(sink, 0, 1000), 35U);
    ASSERT_EQ(sink.messages.size(), 40U);
    for (std::uint64_t event = 0; event < 20; ++event) {
        EXPECT_EQ(sink.messages[event * 2], sample_fragment(event, 1));
        EXPECT_EQ(sink.messages[event * 2 + 1], sample_fragment(event, 2));
    }
}

TEST(RecordingInput, gives_messages_when_they_are_due_and_stamps_them_with_that_time) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_fragments(folder.file("input.mcap"), 3));
    RecordingInputOptions options = input_options(folder.file("input.mcap"));
    options.pace = {Pace::original, 2, 1};
    auto input = RecordingInput::open(options);
    ASSERT_TRUE(input) << input.error();
    CollectingSink sink;
    EXPECT_FALSE((*input)->next_due_ns());
    EXPECT_EQ((*input)->poll(sink, 10'000, 100), 2U);  // arrivals 1 and 2 ns
    EXPECT_EQ((*input)->next_due_ns(), 10'500U);
    EXPECT_EQ((*input)->poll(sink, 10'499, 100), 0U);
    EXPECT_EQ((*input)->poll(sink, 50'000, 100), 4U);
    EXPECT_EQ(sink.arrivals_ns,
              (std::vector<std::uint64_t>{10'000, 10'000, 10'500, 10'500, 11'000, 11'000}));
}

TEST(RecordingInput, gives_events_at_a_fixed_rate) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_fragments(folder.file("input.mcap"), 3));
    RecordingInputOptions options = input_options(folder.file("input.mcap"));
    options.pace = {Pace::fixed_rate, 1, 1e6};
    auto input = RecordingInput::open(options);
    ASSERT_TRUE(input) << input.error();
    CollectingSink sink;
    EXPECT_EQ((*input)->poll(sink, 5000, 100), 2U);
    EXPECT_EQ((*input)->poll(sink, 5999, 100), 0U);
    EXPECT_EQ((*input)->poll(sink, 6000, 100), 2U);
    EXPECT_EQ((*input)->poll(sink, 7000, 100), 2U);
    EXPECT_EQ((*input)->poll(sink, 7000, 100), 0U);
    EXPECT_TRUE((*input)->is_exhausted());
}

TEST(RecordedDecisions, come_back_once_and_in_order) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_events(folder.file("run.mcap"), 50));
    const auto recorded = read_recorded_decisions(folder.file("run.mcap"));
    ASSERT_TRUE(recorded) << recorded.error();
    ASSERT_EQ(recorded->decisions.size(), 50U);
    EXPECT_EQ(recorded->end, ReadEnd::complete);
    const RecordedDecision* const decision = recorded->find(7, 12);
    ASSERT_NE(decision, nullptr);
    EXPECT_EQ(decision->paths.at(0).score, 12.25F);
    EXPECT_EQ(decision->streams, names_of(12 % 7 + 1));
    EXPECT_EQ(decision->menu_hash, 0xabcdefU);
    EXPECT_EQ(recorded->find(7, 50), nullptr);
    EXPECT_EQ(recorded->find(8, 12), nullptr);
}

TEST(RecordedDecisions, are_not_in_a_recording_of_fragments) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record_fragments(folder.file("input.mcap"), 1));
    const auto refused = read_recorded_decisions(folder.file("input.mcap"));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), testing::HasSubstr("holds no decisions"));
}

}  // namespace
}  // namespace tamis::streams
