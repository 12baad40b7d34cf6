#include "streams/event_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/streams/event_builder_fixture.hpp"
#include "tests/support/allocation_guard.hpp"
#include "tests/support/builder_comparison.hpp"

namespace tamis::streams {
namespace {

using tests::as_bytes;
using tests::make_fragment;
using tests::make_message;

TEST_F(EventBuilderTest, closes_an_event_when_its_last_source_is_seen) {
    start(make_builder_config());
    send(1, kB, "from b", 100);
    EXPECT_EQ(events().open, 1U);
    EXPECT_FALSE(builder_->next_closed());
    send(1, kA, "from a", 250);
    const Event& event = take();
    EXPECT_EQ(event.state, EventState::complete);
    EXPECT_EQ(event.run, kRun);
    EXPECT_EQ(event.number, 1U);
    EXPECT_EQ(event.sources_seen, 0b11U);
    EXPECT_EQ(event.first_arrival_ns, 100U);
    EXPECT_EQ(event.last_arrival_ns, 250U);
    EXPECT_EQ(event.payload_bytes, 12U);
    EXPECT_EQ(event.fragments[0].source, kA);
    EXPECT_TRUE(std::ranges::equal(event.fragments[0].payload, as_bytes("from a")));
    EXPECT_TRUE(std::ranges::equal(event.fragments[1].payload, as_bytes("from b")));
    EXPECT_EQ(fragments().used, 2U);
    EXPECT_EQ(fragments().used_bytes, 12U);
    EXPECT_EQ(events().complete, 1U);
}

TEST_F(EventBuilderTest, keeps_header_fields_of_each_fragment) {
    start(make_builder_config());
    Fragment fragment = make_fragment(kRun, 1, kA, "p");
    fragment.timestamp_ns = 17;
    fragment.sequence = 3;
    fragment.payload_type = PayloadType{42};
    send(make_message(fragment));
    send(1, kB);
    const EventFragment& kept = take().fragments[0];
    EXPECT_EQ(kept.timestamp_ns, 17U);
    EXPECT_EQ(kept.sequence, 3U);
    EXPECT_EQ(kept.payload_type, PayloadType{42});
    EXPECT_EQ(kept.crc32c, fragment_checksum(fragment));
}

TEST_F(EventBuilderTest, its_window_follows_the_sources_and_grows_when_a_fragment_came_too_late) {
    auto config = make_builder_config();
    config.window_ns = 1'000'000;
    config.shortest_window_ns = 1'000;
    start(config);
    std::uint64_t now = 1;
    std::uint64_t event = 0;
    for (std::uint32_t i = 0; i < EventWindow::kStretch; ++i) {  // two fragments an event
        send(++event, kA, "a", now);
        send(event, kB, "b", now += 2'000);
        take();
        release_all();
        builder_->poll(now);
    }
    EXPECT_EQ(events().window_ns, 8'000U);
    send(++event, kA, "a", now);
    builder_->poll(now += 8'000);
    EXPECT_EQ(take().state, EventState::incomplete);
    send(event, kB, "too late", now + 1);
    builder_->poll(now + 2);
    EXPECT_GE(events().window_ns, 16'000U);
}

TEST_F(EventBuilderTest, closes_an_incomplete_event_when_the_window_ends) {
    start(make_builder_config());
    send(1, kA, "p", 100);
    EXPECT_EQ(builder_->poll(1099), 0U);
    EXPECT_EQ(builder_->poll(1100), 1U);
    const Event& event = take();
    EXPECT_EQ(event.state, EventState::incomplete);
    EXPECT_TRUE(event.has(0));
    EXPECT_FALSE(event.has(1));
    EXPECT_EQ(events().incomplete_time, 1U);
}

TEST_F(EventBuilderTest, closes_the_oldest_events_when_open_ones_hold_too_many_bytes) {
    EventBuilder::Config config = make_builder_config();
    config.window_bytes = 25;
    start(config);
    send(1, kA, "ten bytes.");
    send(2, kA, "ten bytes.");
    EXPECT_FALSE(builder_->next_closed());
    send(3, kA, "ten bytes.");
    EXPECT_EQ(take().number, 1U);
    EXPECT_FALSE(builder_->next_closed());
    EXPECT_EQ(events().incomplete_bytes, 1U);
}

TEST_F(EventBuilderTest, closes_an_event_that_outgrows_its_bytes) {
    EventBuilder::Config config = make_builder_config();
    config.event_bytes = 15;
    start(config);
    send(1, kA, "ten bytes.");
    send(1, kB, "ten bytes.");
    const Event& event = take();
    EXPECT_EQ(event.state, EventState::incomplete);
    EXPECT_EQ(event.payload_bytes, 10U);
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_EQ(events().incomplete_bytes, 1U);
}

TEST_F(EventBuilderTest, ignores_and_counts_a_repeated_fragment) {
    start(make_builder_config());
    send(1, kA, "same");
    send(1, kA, "same");
    EXPECT_EQ(fragments().duplicate_same, 1U);
    EXPECT_EQ(builder_->source(0).duplicates, 1U);
    send(1, kB);
    EXPECT_EQ(take().state, EventState::complete);
}

TEST_F(EventBuilderTest, closes_an_event_whose_source_contradicts_itself) {
    start(make_builder_config());
    send(1, kA, "first");
    send(1, kA, "other");
    EXPECT_EQ(fragments().duplicate_different, 1U);
    const Event& event = take();
    EXPECT_EQ(event.state, EventState::inconsistent);
    EXPECT_TRUE(std::ranges::equal(event.fragments[0].payload, as_bytes("first")));
    send(1, kB);
    EXPECT_EQ(fragments().late, 1U);
}

TEST_F(EventBuilderTest, takes_another_payload_type_for_a_contradiction) {
    start(make_builder_config());
    send(1, kA, "same");
    Fragment fragment = make_fragment(kRun, 1, kA, "same");
    fragment.payload_type = PayloadType::features;
    send(make_message(fragment));
    EXPECT_EQ(fragments().duplicate_different, 1U);
}

TEST_F(EventBuilderTest, counts_fragments_of_a_closed_event_as_late) {
    start(make_builder_config());
    send(1, kA);
    builder_->poll(1000);
    send(1, kB);
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_EQ(builder_->source(1).late, 1U);
    send(2, kA);
    builder_->poll(2000);
    take();
    take();
    release_all();
    send(2, kB);  // still known when its slot is free again
    EXPECT_EQ(fragments().late, 2U);
    EXPECT_EQ(events().opened, 2U);
}

TEST_F(EventBuilderTest, tells_repeated_fragments_of_a_closed_event_from_late_ones) {
    start(make_builder_config());
    send(1, kA);
    send(1, kB);
    send(1, kB);
    EXPECT_EQ(fragments().duplicate_late, 1U);
    EXPECT_EQ(builder_->source(1).duplicates, 1U);
    take();
    release_all();
    send(1, kA);  // its slot is free again
    EXPECT_EQ(fragments().duplicate_late, 2U);
    send(2, kA);
    builder_->poll(1000);
    send(2, kB);
    send(2, kB);  // a late one that comes again
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_EQ(fragments().duplicate_late, 3U);
}

TEST_F(EventBuilderTest, forgets_closed_events_beyond_its_history) {
    start(make_builder_config());
    for (std::uint64_t event = 1; event <= 5; ++event) {  // the history has four places
        send(event, kA);
        send(event, kB);
        take();
        release_all();
    }
    send(2, kA);
    EXPECT_EQ(fragments().duplicate_late, 1U);
    send(1, kA);
    EXPECT_EQ(fragments().duplicate_late, 1U);
    EXPECT_EQ(events().opened, 6U);
}

TEST_F(EventBuilderTest, counts_each_kind_of_bad_message_apart) {
    start(make_builder_config());
    send(std::string("\xff\xff"));
    EXPECT_EQ(fragments().malformed, 1U);
    builder_->on_refused(0);
    EXPECT_EQ(fragments().malformed, 2U);
    std::string damaged = make_message(kRun, 1, kA, "payload");
    damaged[damaged.find("payload")] = 'P';
    send(damaged);
    EXPECT_EQ(fragments().bad_checksum, 1U);
    send(make_message(kRun, 1, kA, std::string(2000, 'x')));
    EXPECT_EQ(fragments().oversize, 1U);
    send(make_message(kRun, 1, 99));
    EXPECT_EQ(fragments().unknown_source, 1U);
    send(make_message(kRun + 1, 1, kA));
    EXPECT_EQ(fragments().wrong_run, 1U);
    EXPECT_EQ(fragments().received, 6U);
    EXPECT_EQ(events().opened, 0U);
}

TEST_F(EventBuilderTest, takes_the_first_run_of_a_known_source_when_none_is_configured) {
    EventBuilder::Config config = make_builder_config();
    config.run.reset();
    start(config);
    send(make_message(8, 1, 99));  // unknown source: does not decide
    EXPECT_FALSE(builder_->run());
    send(make_message(9, 1, kA));
    EXPECT_EQ(builder_->run(), 9U);
    send(make_message(8, 1, kA));
    EXPECT_EQ(fragments().wrong_run, 1U);
}

TEST_F(EventBuilderTest, tells_equal_numbers_of_different_runs_apart_when_any_run_is_taken) {
    EventBuilder::Config config = make_builder_config();
    config.runs = RunPolicy::any;
    start(config);
    send(make_message(kRun, 1, kA));
    send(make_message(kRun + 1, 1, kA));
    send(make_message(kRun + 1, 1, kB));
    EXPECT_EQ(take().run, kRun + 1);
    send(make_message(kRun, 1, kB));
    EXPECT_EQ(take().run, kRun);
    EXPECT_EQ(fragments().wrong_run, 0U);
}

TEST_F(EventBuilderTest, begins_another_run_without_the_memory_of_the_last) {
    start(make_builder_config());
    send(1, kA);
    send(1, kB);
    take();
    builder_->begin_run(kRun + 1);
    send(make_message(kRun + 1, 1, kA));
    send(make_message(kRun, 1, kA));
    EXPECT_EQ(events().opened, 2U);
    EXPECT_EQ(fragments().wrong_run, 1U);
}

TEST_F(EventBuilderTest, counts_sequence_numbers_that_never_came) {
    start(make_builder_config());
    std::uint64_t event = 0;
    for (const std::uint64_t sequence : {3U, 4U, 7U, 5U, 0U, 8U}) {
        Fragment fragment = make_fragment(kRun, ++event, kA);
        fragment.sequence = sequence;
        send(make_message(fragment));
        builder_->abandon_all();
    }
    EXPECT_EQ(builder_->source(0).sequence_first, 3U);
    EXPECT_EQ(builder_->source(0).sequence_last, 8U);
    EXPECT_EQ(builder_->source(0).sequence_missing, 2U);
    EXPECT_EQ(builder_->source(0).sequence_reordered, 1U);
}

TEST_F(EventBuilderTest, closes_what_is_open_when_the_input_ends) {
    start(make_builder_config());
    send(1, kA);
    send(2, kB);
    EXPECT_EQ(builder_->close_all(), 2U);
    EXPECT_EQ(take().number, 1U);
    EXPECT_EQ(take().state, EventState::incomplete);
    EXPECT_EQ(events().incomplete_end, 2U);
    EXPECT_EQ(builder_->close_all(), 0U);
}

TEST_F(EventBuilderTest, abandons_what_is_open_when_the_node_stops) {
    start(make_builder_config());
    send(1, kA);
    send(2, kA);
    EXPECT_EQ(builder_->abandon_all(), 2U);
    EXPECT_EQ(events().abandoned, 2U);
    EXPECT_FALSE(builder_->next_closed());
    EXPECT_EQ(pool_->free_count(), 4U);
    send(1, kB);
    EXPECT_EQ(fragments().late, 1U);
}

TEST_F(EventBuilderTest, published_books_close_for_every_reader) {
    start(make_builder_config());
    std::atomic<bool> stop = false;
    std::int64_t imbalance = 0;
    std::uint64_t seen = 0;
    std::thread reader([&] {
        while (!stop) {
            const EventBuilder::Books books = builder_->published_books();
            imbalance |= books.fragments.imbalance() | books.events.imbalance();
            seen = books.fragments.received;
        }
        seen = builder_->published_books().fragments.received;
    });
    for (std::uint64_t event = 1; event <= 20'000; ++event) {
        send(event, kA);
        send(event, event % 3 == 0 ? 99 : kB);
        builder_->abandon_all();
        if (builder_->next_closed()) {
            builder_->release(0);
        }
        builder_->poll(event);
    }
    stop = true;
    reader.join();
    EXPECT_EQ(imbalance, 0);
    EXPECT_EQ(seen, 40'000U);
}

TEST_F(EventBuilderTest, allocates_nothing_after_warm_up) {
    EventBuilder::Config config = make_builder_config();
    config.limits.message_bytes = 100'000;
    start(config);
    std::vector<std::string> messages;
    for (std::uint64_t event = 0; event < 3000; ++event) {
        const std::string payload(100 + event * 37 % 5000, 'x');
        messages.push_back(make_message(kRun, event, kA, payload));
        messages.push_back(make_message(kRun, event, event % 10 == 0 ? kA : kB, payload));
    }
    std::uint64_t now = 0;
    const auto run = [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            builder_->on_message(as_bytes(messages[i]), now += 50);
            builder_->poll(now);
            while (const auto index = builder_->next_closed()) {
                builder_->release(*index);
            }
        }
    };
    run(0, 3000);
    const tests::AllocationGuard guard;
    run(3000, 6000);
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(allocations, 0U);
    EXPECT_GT(events().complete, 2000U);
    EXPECT_GT(events().incomplete, 100U);
}

TEST(EventBuilderComparison, does_what_the_naive_builder_does_for_random_calls) {
    std::mt19937_64 random(42);
    for (int round = 0; round < 1500; ++round) {
        std::vector<std::uint8_t> choices(random() % 4096);
        std::ranges::generate(choices, [&] { return static_cast<std::uint8_t>(random()); });
        ASSERT_EQ(tests::compare_builders(choices), "") << "round " << round;
    }
}

}  // namespace
}  // namespace tamis::streams
