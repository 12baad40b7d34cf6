// Each source's sequence, delays and silence.
#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <vector>

#include "tests/streams/event_builder_fixture.hpp"

namespace tamis::streams {
namespace {

class SequenceTest : public testing::Test {
 protected:
    void count(std::initializer_list<std::uint64_t> numbers) {
        for (const std::uint64_t number : numbers) {
            window_.count(number, counters_);
        }
    }
    SequenceWindow window_;
    SourceCounters counters_;
};

TEST_F(SequenceTest, counts_numbers_that_never_came_whatever_the_order_and_the_repeats) {
    count({3, 4, 7, 5, 0, 8, 7, 4, 5});
    EXPECT_EQ(counters_.lost(), 1U);  // 6
    EXPECT_EQ(counters_.sequence_missing, 2U);
    EXPECT_EQ(counters_.sequence_reordered, 1U);
    EXPECT_EQ(counters_.sequence_repeated, 3U);
    EXPECT_EQ(counters_.gaps, 1U);
    EXPECT_EQ(counters_.longest_gap, 2U);
    count({1});  // what came before the first: 2 is not known to be lost until now
    EXPECT_EQ(counters_.sequence_first, 1U);
    EXPECT_EQ(counters_.lost(), 2U);
}

TEST_F(SequenceTest, forgets_what_lies_a_window_back) {
    constexpr std::uint64_t kWindow = SequenceWindow::kWindow;
    count({1, kWindow + 1});
    EXPECT_EQ(counters_.lost(), kWindow - 1);
    count({2});  // still in the window, and never seen
    EXPECT_EQ(counters_.sequence_reordered, 1U);
    count({1});  // too old to say
    EXPECT_EQ(counters_.sequence_repeated, 1U);
    count({~std::uint64_t{0}, ~std::uint64_t{0} - 1, ~std::uint64_t{0}});
    EXPECT_EQ(counters_.sequence_reordered, 2U);
    EXPECT_EQ(counters_.sequence_repeated, 2U);
}

TEST_F(SequenceTest, agrees_with_a_set_of_all_numbers) {
    std::uint64_t state = 5;
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        numbers.push_back(1000 + i - (state >> 40U) % 500);  // some twice, some never
    }
    std::set<std::uint64_t> seen;
    std::uint64_t repeated = 0;
    for (const std::uint64_t number : numbers) {
        window_.count(number, counters_);
        repeated += seen.insert(number).second ? 0U : 1U;
    }
    EXPECT_EQ(counters_.lost(), *seen.rbegin() - *seen.begin() + 1 - seen.size());
    EXPECT_EQ(counters_.sequence_repeated, repeated);
    EXPECT_EQ(counters_.sequence_first, *seen.begin());
}

class SilenceTest : public EventBuilderTest {
 protected:
    void start_masking(std::uint64_t after) {
        EventBuilder::Config config = make_builder_config();
        config.mask_after_events = after;
        start(config, {16, 2, 1 << 20});
    }
    EventState close(std::uint64_t event) {
        const Event& taken = take();
        EXPECT_EQ(taken.number, event);
        EXPECT_EQ(taken.sources_masked,
                  taken.state == EventState::complete && !taken.has(1) ? 2U : 0U);
        return taken.state;
    }
};

TEST_F(SilenceTest,
       masks_a_source_after_as_many_events_in_a_row_and_lifts_the_mask_when_it_speaks) {
    start_masking(2);
    send(1, kA, "p", 0);
    send(2, kA, "p", 1);
    send(3, kA, "p", 2);
    builder_->poll(1001);  // the windows of 1 and 2 end; 3 was open and waited for B alone
    EXPECT_EQ(close(1), EventState::incomplete);
    EXPECT_EQ(close(2), EventState::incomplete);
    EXPECT_EQ(close(3), EventState::complete);
    EXPECT_EQ(builder_->source(1).is_masked, 1U);
    send(4, kA, "p", 1002);
    EXPECT_EQ(close(4), EventState::complete);
    EXPECT_EQ(events().complete_masked, 2U);
    EXPECT_EQ(builder_->source(1).excused, 2U);
    EXPECT_EQ(builder_->source(1).absent, 2U);

    send(5, kB, "p", 1003);
    EXPECT_EQ(builder_->source(1).is_masked, 0U);
    EXPECT_EQ(builder_->closed_count(), 0U);
    send(5, kA, "p", 1004);
    EXPECT_EQ(close(5), EventState::complete);
    send(6, kA, "p", 1005);
    EXPECT_EQ(builder_->closed_count(), 0U) << "it waits for B again";
    send(6, kB, "p", 1006);
    EXPECT_EQ(close(6), EventState::complete);
    EXPECT_EQ(builder_->source(1).masked, 1U);
}

TEST_F(SilenceTest, does_not_wait_for_a_source_that_speaks_again_in_what_it_missed) {
    EventBuilder::Config config = make_builder_config();
    config.sources = {kA, kB, 30};
    config.mask_after_events = 1;
    start(config, {16, 3, 1 << 20});
    send(1, kA, "p", 0);
    send(1, 30, "p", 0);
    builder_->poll(1000);
    EXPECT_EQ(take().state, EventState::incomplete);
    send(2, kA, "p", 1001);  // opened while B is masked
    send(9, kB, "p", 1002);
    send(2, 30, "p", 1003);
    const Event& second = take();
    EXPECT_EQ(second.state, EventState::complete);
    EXPECT_EQ(second.sources_masked, 2U);
    EXPECT_EQ(builder_->source(1).is_masked, 0U) << "what it missed then is not held against it";
}

TEST_F(SilenceTest, any_word_of_a_source_ends_its_silence) {
    start_masking(3);
    for (std::uint64_t event = 1; event <= 8; ++event) {
        send(event, kA, "p", event * 2000);
        builder_->poll(event * 2000 + 1000);
        EXPECT_EQ(close(event), EventState::incomplete);
        if (event % 2 == 0) {
            send(event, kB, "p", event * 2000 + 1001);  // late
        }
        release_all();
    }
    EXPECT_EQ(builder_->source(1).masked, 0U);
    EXPECT_EQ(builder_->source(1).late, 4U);
}

TEST_F(SilenceTest, never_masks_when_not_told_to) {
    start_masking(0);
    for (std::uint64_t event = 1; event <= 12; ++event) {
        send(event, kA, "p", event * 2000);
        builder_->poll(event * 2000 + 1000);
        EXPECT_EQ(close(event), EventState::incomplete);
        release_all();
    }
    EXPECT_EQ(builder_->source(1).absent, 12U);
}

TEST_F(SilenceTest, measures_how_long_after_the_first_fragment_each_source_comes) {
    start_masking(0);
    send(1, kA, "p", 10'000);
    send(1, kB, "p", 10'500);
    builder_->poll(10'500);
    send(2, kA, "p", 20'000);
    send(2, kB, "p", 20'900);
    const SourceCounters& late = builder_->source(1);
    EXPECT_EQ(late.delay_sum_ns, 1400U);
    EXPECT_EQ(late.delay_max_ns, 900U);
    EXPECT_EQ(late.delays[0], 2U);
    EXPECT_EQ(builder_->source(0).delay_max_ns, 0U);
    SourceWatch watch(1, 0);
    for (const std::uint64_t delay : {1000U, 1001U, 4000U, 4001U, 16'001U}) {
        watch.on_used(0, delay);
    }
    watch.on_used(0, ~std::uint64_t{0} / 2);
    EXPECT_EQ(watch.counters(0).delays[0], 1U);
    EXPECT_EQ(watch.counters(0).delays[1], 2U);
    EXPECT_EQ(watch.counters(0).delays[2], 1U);
    EXPECT_EQ(watch.counters(0).delays[3], 1U);
    EXPECT_EQ(watch.counters(0).delays[15], 1U);
}

}  // namespace
}  // namespace tamis::streams
