#include "daemon/run_control.hpp"

#include <gtest/gtest.h>

namespace tamis::daemon {
namespace {

TEST(RunControl, drains_when_it_is_asked_to_stop) {
    RunControl control;
    EXPECT_TRUE(control.apply(RunTrigger::start));
    EXPECT_TRUE(control.apply(RunTrigger::stop_asked));
    EXPECT_EQ(control.state(), RunState::draining);
    EXPECT_EQ(control.condition(), RunCondition::not_ended);
    EXPECT_TRUE(control.apply(RunTrigger::drained));
    EXPECT_EQ(control.state(), RunState::stopped);
    EXPECT_EQ(control.condition(), RunCondition::complete);
}

TEST(RunControl, says_that_a_run_is_incomplete_when_the_time_to_drain_was_over) {
    RunControl control;
    EXPECT_TRUE(control.apply(RunTrigger::start));
    EXPECT_TRUE(control.apply(RunTrigger::stop_asked));
    EXPECT_TRUE(control.apply(RunTrigger::time_over));
    EXPECT_EQ(control.condition(), RunCondition::incomplete);
}

TEST(RunControl, ends_with_its_input) {
    RunControl control;
    EXPECT_TRUE(control.apply(RunTrigger::start));
    EXPECT_TRUE(control.apply(RunTrigger::input_ended));
    EXPECT_EQ(control.condition(), RunCondition::complete);
}

TEST(RunControl, changes_nothing_for_what_is_not_in_its_table) {
    RunControl control;
    EXPECT_FALSE(control.apply(RunTrigger::drained));
    EXPECT_EQ(control.state(), RunState::configured);
    EXPECT_TRUE(control.apply(RunTrigger::start));
    EXPECT_FALSE(control.apply(RunTrigger::start));
    EXPECT_TRUE(control.apply(RunTrigger::stop_asked));
    EXPECT_FALSE(control.apply(RunTrigger::stop_asked)) << "a second signal is not a second drain";
    EXPECT_FALSE(control.apply(RunTrigger::input_ended));
}

}  // namespace
}  // namespace tamis::daemon
