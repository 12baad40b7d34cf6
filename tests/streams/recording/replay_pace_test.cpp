#include "streams/recording/replay_pace.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace tamis::streams {
namespace {

TEST(ReplayPace, as_fast_as_possible_is_always_due) {
    ReplayPace pace({});
    pace.start(1000, 50);
    EXPECT_EQ(pace.due_ns(0, 50), 1000U);
    EXPECT_EQ(pace.due_ns(1'000'000, 1ULL << 60), 1000U);
}

TEST(ReplayPace, original_keeps_the_recorded_distances) {
    ReplayPace pace({Pace::original, 1, 1});
    pace.start(1000, 50);
    EXPECT_EQ(pace.due_ns(0, 50), 1000U);
    EXPECT_EQ(pace.due_ns(1, 80), 1030U);
    EXPECT_EQ(pace.due_ns(2, 20), 1000U) << "recorded before the first one";
}

TEST(ReplayPace, original_scales_with_the_speed) {
    ReplayPace fast({Pace::original, 10, 1});
    ReplayPace slow({Pace::original, 0.5, 1});
    fast.start(1000, 0);
    slow.start(1000, 0);
    EXPECT_EQ(fast.due_ns(1, 500), 1050U);
    EXPECT_EQ(slow.due_ns(1, 500), 2000U);
}

TEST(ReplayPace, fixed_rate_depends_only_on_the_place) {
    ReplayPace pace({Pace::fixed_rate, 1, 1e6});
    pace.start(1000, 50);
    EXPECT_EQ(pace.due_ns(0, 999), 1000U);
    EXPECT_EQ(pace.due_ns(3, 0), 4000U);
}

TEST(ReplayPace, saturates_at_the_end_of_the_clock) {
    ReplayPace pace({Pace::original, 1e-9, 1});
    pace.start(UINT64_MAX - 10, 0);
    EXPECT_EQ(pace.due_ns(1, 1'000'000'000), UINT64_MAX);
}

}  // namespace
}  // namespace tamis::streams
