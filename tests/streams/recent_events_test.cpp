#include "streams/recent_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {
namespace {

TEST(RecentEvents, knows_the_last_ones_and_no_others) {
    RecentEvents recent(3, 1);
    EXPECT_TRUE(recent.add({1, 10}));
    EXPECT_FALSE(recent.add({1, 10}));
    EXPECT_TRUE(recent.add({2, 10})) << "of another run";
    EXPECT_TRUE(recent.add({1, 11}));
    EXPECT_TRUE(recent.add({1, 12}));
    EXPECT_TRUE(recent.add({1, 10})) << "three have come since";
    EXPECT_FALSE(recent.add({1, 11}));
}

TEST(RecentEvents, agrees_with_a_list) {
    RandomStream random(7, 0, 0, RandomPart::process);
    RecentEvents recent(50, 99);
    std::deque<std::uint64_t> list;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t event = random.bits() % 120;
        const bool is_new = std::ranges::find(list, event) == list.end();
        ASSERT_EQ(recent.add({1, event}), is_new);
        if (is_new) {
            list.push_back(event);
            if (list.size() > 50) {
                list.pop_front();
            }
        }
    }
}

}  // namespace
}  // namespace tamis::streams
