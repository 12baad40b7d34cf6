#include "streams/event_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/allocation_guard.hpp"
#include "tests/support/builder_comparison.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using tests::as_bytes;
using tests::make_fragment;
using tests::make_message;

constexpr std::uint32_t kRun = 5;
constexpr std::uint32_t kA = 10;  // the two sources
constexpr std::uint32_t kB = 20;

EventBuilder::Config make_config() {
    EventBuilder::Config config;
    config.sources = {kA, kB};
    config.run = kRun;
    config.window_ns = 1000;
    config.history_events = 4;
    config.limits.message_bytes = 1000;
    config.hash_seed = 1;
    return config;
}

class EventBuilderTest : public testing::Test {
 protected:
    void start(const EventBuilder::Config& config, EventPool::Config pool = {4, 2, 1 << 20}) {
        pool.sources = config.sources.size();
        pool_.emplace(pool);
        builder_.emplace(config, *pool_);
    }
    void send(const std::string& message, std::uint64_t arrival_ns = 0) {
        builder_->on_message(as_bytes(message), arrival_ns);
    }
    void send(std::uint64_t event, std::uint32_t source, std::string_view payload = "p",
              std::uint64_t arrival_ns = 0) {
        send(make_message(kRun, event, source, payload), arrival_ns);
    }
    const Event& take() {
        const auto index = builder_->next_closed();
        EXPECT_TRUE(index);
        taken_.push_back(index.value());
        return (*pool_)[*index];
    }
    void release_all() {
        for (const EventIndex index : taken_) {
            builder_->release(index);
        }
        taken_.clear();
    }
    void TearDown() override {
        EXPECT_EQ(builder_->fragments().imbalance(), 0);
        EXPECT_EQ(builder_->events().imbalance(), 0);
    }
    const FragmentCounters& fragments() { return builder_->fragments(); }
    const BuilderEventCounters& events() { return builder_->events(); }

    std::optional<EventPool> pool_;
    std::optional<EventBuilder> builder_;
    std::vector<EventIndex> taken_;
};

TEST_F(EventBuilderTest, closes_an_event_when_its_last_source_is_seen) {
    start(make_config());
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
    start(make_config());
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

TEST_F(EventBuilderTest, closes_an_incomplete_event_when_the_window_ends) {
    start(make_config());
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
    EventBuilder::Config config = make_config();
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
    EventBuilder::Config config = make_config();
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
    start(make_config());
    send(1, kA, "same");
    send(1, kA, "same");
    EXPECT_EQ(fragments().duplicate_same, 1U);
    EXPECT_EQ(builder_->source(0).duplicates, 1U);
    send(1, kB);
    EXPECT_EQ(take().state, EventState::complete);
}

TEST_F(EventBuilderTest, closes_an_event_whose_source_contradicts_itself) {
    start(make_config());
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
    start(make_config());
    send(1, kA, "same");
    Fragment fragment = make_fragment(kRun, 1, kA, "same");
    fragment.payload_type = PayloadType::features;
    send(make_message(fragment));
    EXPECT_EQ(fragments().duplicate_different, 1U);
}

TEST_F(EventBuilderTest, counts_fragments_of_a_closed_event_as_late) {
    start(make_config());
    send(1, kA);
    send(1, kB);
    send(1, kB);
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_EQ(builder_->source(1).late, 1U);
    take();
    release_all();
    send(1, kA);  // still known when its slot is free again
    EXPECT_EQ(fragments().late, 2U);
    EXPECT_EQ(events().opened, 1U);
}

TEST_F(EventBuilderTest, forgets_closed_events_beyond_its_history) {
    start(make_config());
    for (std::uint64_t event = 1; event <= 5; ++event) {  // the history has four places
        send(event, kA);
        send(event, kB);
        take();
        release_all();
    }
    send(2, kA);
    EXPECT_EQ(fragments().late, 1U);
    send(1, kA);
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_EQ(events().opened, 6U);
}

TEST_F(EventBuilderTest, counts_each_kind_of_bad_message_apart) {
    start(make_config());
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
    EventBuilder::Config config = make_config();
    config.run.reset();
    start(config);
    send(make_message(8, 1, 99));  // unknown source: does not decide
    EXPECT_FALSE(builder_->run());
    send(make_message(9, 1, kA));
    EXPECT_EQ(builder_->run(), 9U);
    send(make_message(8, 1, kA));
    EXPECT_EQ(fragments().wrong_run, 1U);
}

TEST_F(EventBuilderTest, begins_another_run_without_the_memory_of_the_last) {
    start(make_config());
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
    start(make_config());
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

TEST_F(EventBuilderTest, under_back_pressure_is_not_ready_until_a_slot_comes_back) {
    start(make_config());
    for (std::uint64_t event = 1; event <= 4; ++event) {
        EXPECT_TRUE(builder_->is_ready());
        send(event, kA);
        send(event, kB);
    }
    EXPECT_FALSE(builder_->is_ready());
    builder_->poll(1);
    take();
    release_all();
    EXPECT_TRUE(builder_->is_ready());
    EXPECT_EQ(events().shed, 0U);
}

TEST_F(EventBuilderTest, under_back_pressure_the_oldest_open_event_makes_room) {
    start(make_config());
    for (std::uint64_t event = 1; event <= 4; ++event) {
        send(event, kA);
    }
    EXPECT_FALSE(builder_->is_ready());
    EXPECT_EQ(builder_->poll(1), 1U);
    EXPECT_EQ(builder_->poll(2), 0U);  // its slot will come back
    EXPECT_EQ(events().incomplete_slots, 1U);
    EXPECT_EQ(take().number, 1U);
    EXPECT_EQ(builder_->poll(3), 0U);
    release_all();
    EXPECT_TRUE(builder_->is_ready());
}

TEST_F(EventBuilderTest, the_window_stands_still_while_the_builder_is_not_ready) {
    start(make_config());
    send(1, kA, "p", 100);
    for (std::uint64_t event = 2; event <= 4; ++event) {
        send(event, kA, "p", 100);
        send(event, kB, "p", 100);
    }
    builder_->poll(200);  // full from here
    EXPECT_EQ(builder_->poll(50'000), 0U);
    take();
    release_all();
    builder_->poll(50'100);  // ready from here: 100 of 1000 have passed
    EXPECT_EQ(builder_->poll(50'999), 0U);
    EXPECT_EQ(builder_->poll(51'000), 1U);
}

TEST_F(EventBuilderTest, sheds_new_events_when_told_so_and_finishes_open_ones) {
    EventBuilder::Config config = make_config();
    config.overload = OverloadPolicy::shed;
    start(config);
    for (std::uint64_t event = 1; event <= 5; ++event) {
        send(event, kA);
    }
    EXPECT_TRUE(builder_->is_ready());
    EXPECT_EQ(events().opened, 5U);
    EXPECT_EQ(events().shed, 1U);
    send(5, kB);
    EXPECT_EQ(fragments().late, 1U);
    send(1, kB);
    EXPECT_EQ(take().number, 1U);
}

TEST_F(EventBuilderTest, is_not_ready_when_the_largest_message_would_not_fit) {
    start(make_config(), {4, 2, 3100});
    send(1, kA, std::string(900, 'x'));
    EXPECT_TRUE(builder_->is_ready());
    send(2, kA, std::string(900, 'x'));
    EXPECT_TRUE(builder_->is_ready());
    send(3, kA, std::string(900, 'x'));
    EXPECT_FALSE(builder_->is_ready());
    send(3, kB, std::string(900, 'x'));  // from an input that does not ask
    const Event& event = take();
    EXPECT_EQ(event.state, EventState::incomplete);
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_LE(pool_->held_bytes(), 3100U);
}

TEST_F(EventBuilderTest, closes_what_is_open_when_the_input_ends) {
    start(make_config());
    send(1, kA);
    send(2, kB);
    EXPECT_EQ(builder_->close_all(), 2U);
    EXPECT_EQ(take().number, 1U);
    EXPECT_EQ(take().state, EventState::incomplete);
    EXPECT_EQ(events().incomplete_end, 2U);
    EXPECT_EQ(builder_->close_all(), 0U);
}

TEST_F(EventBuilderTest, abandons_what_is_open_when_the_node_stops) {
    start(make_config());
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
    start(make_config());
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
    EventBuilder::Config config = make_config();
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
