#include "engine/memory_plan.hpp"

#include <gtest/gtest.h>

#include "engine/random.hpp"

namespace tamis::engine {
namespace {

TEST(MemoryPlan, values_that_follow_one_another_take_the_room_of_two) {
    MemoryPlan plan;
    for (std::size_t step = 0; step < 20; ++step) plan.place({step, step + 1}, 64);
    EXPECT_EQ(plan.size(), 128U);
}

TEST(MemoryPlan, a_gap_is_taken_where_it_is_large_enough) {
    MemoryPlan plan;
    EXPECT_EQ(plan.place({0, 9}, 10), 0U);
    EXPECT_EQ(plan.place({0, 1}, 20), 10U);
    EXPECT_EQ(plan.place({0, 9}, 10), 30U);
    EXPECT_EQ(plan.place({2, 9}, 21), 40U);
    EXPECT_EQ(plan.place({2, 9}, 20), 10U);
    EXPECT_EQ(plan.size(), 61U);
}

TEST(MemoryPlan, nothing_overlaps_what_lives_at_the_same_time) {
    struct Value {
        Lifetime lifetime;
        std::size_t begin, end;
    };
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        MemoryPlan plan;
        std::vector<Value> values;
        std::size_t all = 0;
        for (std::uint64_t i = 0; i < 60; ++i) {
            const std::size_t first = random_below(30, seed, 1, i);
            const std::size_t last = first + random_below(8, seed, 2, i);
            const std::size_t size = 1 + random_below(50, seed, 3, i);
            const std::size_t begin = plan.place({first, last}, size);
            values.push_back({{first, last}, begin, begin + size});
            all += size;
            ASSERT_LE(begin + size, plan.size());
        }
        for (std::size_t a = 0; a < values.size(); ++a) {
            for (std::size_t b = 0; b < a; ++b) {
                const bool together = values[a].lifetime.first <= values[b].lifetime.last &&
                                      values[b].lifetime.first <= values[a].lifetime.last;
                const bool apart =
                    values[a].end <= values[b].begin || values[b].end <= values[a].begin;
                ASSERT_TRUE(apart || !together) << "seed " << seed << ": " << b << ", " << a;
            }
        }
        EXPECT_LT(plan.size(), all / 2) << "seed " << seed;
    }
}

}  // namespace
}  // namespace tamis::engine
