// What a fragment's sender must wait for: the end of its event, however the fragment came.
#include <gtest/gtest.h>

#include <string>

#include "tests/streams/event_builder_fixture.hpp"

namespace tamis::streams {
namespace {

class EventBuilderHold : public EventBuilderTest {
 protected:
    Hold hold_of(const std::string& message) {
        return builder_->on_message(tests::as_bytes(message), 0);
    }
    Hold hold_of(std::uint64_t event, std::uint32_t source) {
        return hold_of(tests::make_message(kRun, event, source, "p"));
    }
};

TEST_F(EventBuilderHold, is_the_event_until_it_is_released) {
    start(make_builder_config());
    const Hold first = hold_of(1, kA);
    EXPECT_NE(first, kNoHold);
    EXPECT_EQ(hold_of(1, kA), first) << "a duplicate of an open event";
    EXPECT_EQ(hold_of(1, kB), first) << "the one that closes it";
    EXPECT_NE(hold_of(2, kA), first);
    const EventIndex index = *builder_->next_closed();
    EXPECT_EQ(index, first);
    EXPECT_EQ(hold_of(1, kA), first) << "a copy, and its event is being decided";
    EXPECT_EQ(fragments().duplicate_late, 1U);
    builder_->release(index);
    EXPECT_EQ(hold_of(1, kA), kNoHold) << "a copy, and its event has ended";
    EXPECT_EQ(fragments().duplicate_late, 2U);
}

TEST_F(EventBuilderHold, is_none_for_what_becomes_no_part_of_an_event) {
    start(make_builder_config());
    EXPECT_EQ(hold_of("garbage"), kNoHold);
    EXPECT_EQ(hold_of(tests::make_message(kRun, 1, 99, "p")), kNoHold) << "unknown source";
    EXPECT_NE(hold_of(1, kA), kNoHold);
    EXPECT_EQ(hold_of(tests::make_message(kRun + 1, 1, kA, "p")), kNoHold) << "wrong run";
}

TEST_F(EventBuilderHold, ends_with_an_abandoned_event) {
    start(make_builder_config());
    EXPECT_NE(hold_of(1, kA), kNoHold);
    builder_->abandon_all();
    EXPECT_EQ(hold_of(1, kA), kNoHold);
}

// Another node decides it. Should it come back here, it is as new.
TEST_F(EventBuilderHold, ends_with_an_open_event_that_is_taken_back) {
    start(make_builder_config());
    const Hold one = hold_of(1, kA);
    const Hold two = hold_of(2, kA);
    EXPECT_TRUE(builder_->on_taken_back(one));
    EXPECT_EQ(events().abandoned, 1U);
    EXPECT_EQ(events().taken_back, 1U);
    EXPECT_EQ(events().open, 1U);
    EXPECT_FALSE(builder_->on_taken_back(kNoHold));
    EXPECT_EQ(hold_of(2, kB), two);
    EXPECT_FALSE(builder_->on_taken_back(two)) << "it is complete and will be decided";
    builder_->release(*builder_->next_closed());

    const Hold again = hold_of(1, kA);
    EXPECT_NE(again, kNoHold);
    EXPECT_EQ(hold_of(1, kB), again);
    EXPECT_EQ(fragments().late + fragments().duplicate_late + fragments().duplicate_same, 0U);
    EXPECT_EQ(events().complete, 2U);
    EXPECT_EQ(events().imbalance(), 0);
    taken_.push_back(*builder_->next_closed());
}

TEST_F(EventBuilderHold, is_none_for_events_of_an_earlier_process) {
    start(make_builder_config());
    builder_->recall({kRun, 5});
    EXPECT_EQ(hold_of(5, kA), kNoHold);
    EXPECT_EQ(fragments().late, 1U);
    EXPECT_EQ(events().opened, 0U) << "it is not decided again";
    EXPECT_NE(hold_of(6, kA), kNoHold);
}

// More events in work than are remembered: an event that came back under the same number is
// another.
TEST_F(EventBuilderHold, of_a_forgotten_event_is_not_confused_with_its_successor) {
    EventBuilder::Config config = make_builder_config();
    config.history_events = 1;
    start(config);
    hold_of(1, kA);
    hold_of(1, kB);
    const EventIndex first = *builder_->next_closed();
    hold_of(2, kA);
    hold_of(2, kB);  // 1 is forgotten now
    const Hold again = hold_of(1, kA);
    EXPECT_NE(again, first);
    builder_->release(first);
    EXPECT_EQ(hold_of(1, kA), again) << "still open";
    taken_.push_back(*builder_->next_closed());
}

}  // namespace
}  // namespace tamis::streams
