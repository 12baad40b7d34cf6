// A recording replayed several times, and parts of one.
#include "streams/recording/looped_recording.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "streams/recording/fragment_recorder.hpp"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/scratch_folder.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using tests::as_bytes;
using tests::CollectingSink;
using tests::ScratchFolder;

constexpr std::uint64_t kFirst = 11;
constexpr std::uint64_t kEvents = 20;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::string message_of(std::uint64_t event, std::uint32_t source) {
    Fragment fragment = tests::make_fragment(1, event, source);
    fragment.sequence = source == 2 ? 0 : event - kFirst + 5;
    return tests::make_message(fragment);
}

// Events kFirst .., one a second, of sources 1 (which counts) and 2 (which does not).
void record(const std::string& path) {
    FragmentRecorderOptions options;
    options.path = path;
    auto recorder = FragmentRecorder::create(options);
    ASSERT_TRUE(recorder) << recorder.error();
    for (std::uint64_t i = 0; i < kEvents; ++i) {
        for (const std::uint32_t source : {1U, 2U}) {
            ASSERT_EQ((*recorder)->write(as_bytes(message_of(kFirst + i, source)),
                                         (1000 + i) * kSecondNs),
                      WriteStatus::written);
        }
    }
    ASSERT_TRUE((*recorder)->close({}, 2000 * kSecondNs));
}

RecordingInputOptions options_of(const ScratchFolder& folder) {
    RecordingInputOptions options;
    options.path = folder.file("input.mcap");
    return options;
}

std::vector<Fragment> replay(const RecordingInputOptions& options, std::uint64_t passes,
                             CollectingSink& sink) {
    auto looped = LoopedRecording::open(options, passes);
    EXPECT_TRUE(looped);
    while (!(*looped)->is_exhausted()) {
        (*looped)->poll(sink, 0, 7);
    }
    std::vector<Fragment> fragments;
    for (const std::string& message : sink.messages) {
        const auto fragment = FragmentDecoder{}.decode(as_bytes(message));
        EXPECT_TRUE(fragment) << "its checksum is right";
        fragments.push_back(fragment.value_or(Fragment{}));
    }
    return fragments;
}

TEST(LoopedRecording, makes_every_event_unique_and_leaves_no_gap) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record(folder.file("input.mcap")));
    CollectingSink sink;
    const auto fragments = replay(options_of(folder), 3, sink);
    ASSERT_EQ(fragments.size(), kEvents * 2 * 3);
    for (std::size_t i = 0; i < fragments.size(); ++i) {
        EXPECT_EQ(fragments[i].event, kFirst + i / 2);
        EXPECT_EQ(fragments[i].run, 1U);
        EXPECT_EQ(fragments[i].sequence, i % 2 == 0 ? 5 + i / 2 : 0);
    }
    EXPECT_EQ(sink.messages[0], message_of(kFirst, 1)) << "the first pass is as recorded";
    EXPECT_EQ(sink.messages[kEvents * 4], message_of(kFirst + kEvents * 2, 1));
}

TEST(LoopedRecording, once_is_the_recording) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record(folder.file("input.mcap")));
    CollectingSink sink;
    EXPECT_EQ(replay(options_of(folder), 1, sink).size(), kEvents * 2);
}

TEST(LoopedRecording, refuses_what_is_no_recording) {
    const ScratchFolder folder;
    EXPECT_FALSE(LoopedRecording::open(options_of(folder), 2));
}

std::set<std::uint64_t> events_of(const RecordingInputOptions& options) {
    CollectingSink sink;
    std::set<std::uint64_t> events;
    for (const Fragment& fragment : replay(options, 1, sink)) {
        events.insert(fragment.event);
    }
    return events;
}

TEST(RecordingInput, gives_a_range_of_events_or_of_times) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record(folder.file("input.mcap")));
    RecordingInputOptions options = options_of(folder);
    options.selection.first_event = 13;
    options.selection.last_event = 15;
    EXPECT_EQ(events_of(options), (std::set<std::uint64_t>{13, 14, 15}));
    options.from_ns = kSecondNs;  // after the first of them
    EXPECT_EQ(events_of(options), (std::set<std::uint64_t>{14, 15}));
    options.selection = {};
    options.from_ns = 17 * kSecondNs;
    options.to_ns = 18 * kSecondNs;
    EXPECT_EQ(events_of(options), (std::set<std::uint64_t>{kFirst + 17, kFirst + 18}));
}

TEST(RecordingInput, starts_its_clock_with_the_first_event_that_it_gives) {
    const ScratchFolder folder;
    ASSERT_NO_FATAL_FAILURE(record(folder.file("input.mcap")));
    RecordingInputOptions options = options_of(folder);
    options.pace.pace = Pace::original;
    options.from_ns = 10 * kSecondNs;
    auto input = RecordingInput::open(options);
    ASSERT_TRUE(input);
    CollectingSink sink;
    EXPECT_EQ((*input)->poll(sink, 500, 100), 2U);
    EXPECT_EQ((*input)->next_due_ns(), 500 + kSecondNs);
    EXPECT_EQ((*input)->counts().outside_times, 20U);
}

}  // namespace
}  // namespace tamis::streams
