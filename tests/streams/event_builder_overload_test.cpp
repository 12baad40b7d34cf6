// What the event builder does when its pool is full, by either policy.
#include "tests/streams/event_builder_fixture.hpp"

namespace tamis::streams {
namespace {

TEST_F(EventBuilderTest, under_back_pressure_is_not_ready_until_a_slot_comes_back) {
    start(make_builder_config());
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
    start(make_builder_config());
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
    start(make_builder_config());
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
    EventBuilder::Config config = make_builder_config();
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
    start(make_builder_config(), {4, 2, 3100});
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

}  // namespace
}  // namespace tamis::streams
