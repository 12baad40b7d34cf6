#include "streams/event_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace tamis::streams {
namespace {

TEST(EventTable, agrees_with_a_map_for_random_additions_and_removals) {
    for (const std::uint64_t seed : {0U, 1U, 0xdeadbeefU}) {
        EventTable table(100, seed);
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> reference;
        std::mt19937_64 random(seed);
        for (std::uint32_t i = 0; i < 50'000; ++i) {
            const EventKey key{static_cast<std::uint32_t>(random() % 2), random() % 100};
            if (random() % 2 == 0 && (reference.size() < 100)) {
                table.set(key, i);
                reference[{key.run, key.event}] = i;
            } else {
                table.erase(key);
                reference.erase({key.run, key.event});
            }
            const EventKey asked{static_cast<std::uint32_t>(random() % 2), random() % 100};
            const auto known = reference.find({asked.run, asked.event});
            ASSERT_EQ(table.find(asked),
                      known == reference.end() ? EventTable::kAbsent : known->second);
            ASSERT_EQ(table.size(), reference.size());
        }
        table.clear();
        EXPECT_EQ(table.size(), 0U);
        EXPECT_EQ(table.find({0, 1}), EventTable::kAbsent);
    }
}

TEST(EventTable, holds_exactly_what_it_promised) {
    EventTable table(64, 9);
    for (std::uint64_t event = 0; event < 64; ++event) {
        table.set({1, event << 32U}, 1);
    }
    EXPECT_EQ(table.size(), 64U);
    EXPECT_DEATH(table.set({1, 1}, 1), "");
}

}  // namespace
}  // namespace tamis::streams
