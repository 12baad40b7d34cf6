#include "streams/event_pool.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using tests::make_fragment;

TEST(EventPool, gives_each_slot_once_and_then_says_that_none_is_left) {
    EventPool pool({3, 1, 1000});
    std::vector<bool> given(3);
    for (int i = 0; i < 3; ++i) {
        const auto index = pool.acquire(0);
        ASSERT_TRUE(index);
        EXPECT_FALSE(given[*index]);
        given[*index] = true;
    }
    EXPECT_FALSE(pool.acquire(0));
    pool.release(1);
    EXPECT_EQ(pool.acquire(0), 1U);
}

TEST(EventPool, gives_an_empty_event_whatever_the_slot_held_before) {
    EventPool pool({1, 2, 10'000});
    const EventIndex index = pool.acquire(0).value();
    EXPECT_TRUE(pool.store(index, 1, make_fragment(1, 2, 3, "bytes")));
    pool[index].state = EventState::complete;
    pool.release(index);
    const Event& event = pool[pool.acquire(0).value()];
    EXPECT_EQ(event.sources_seen, 0U);
    EXPECT_EQ(event.payload_bytes, 0U);
    EXPECT_EQ(event.state, EventState::open);
}

TEST(EventPool, refuses_a_payload_beyond_its_budget_and_changes_nothing) {
    EventPool pool({2, 2, 1000});
    const EventIndex index = pool.acquire(0).value();
    EXPECT_TRUE(pool.store(index, 0, make_fragment(1, 2, 3, std::string(600, 'x'))));
    EXPECT_FALSE(pool.store(index, 1, make_fragment(1, 2, 3, std::string(500, 'x'))));
    EXPECT_EQ(pool[index].sources_seen, 1U);
    EXPECT_TRUE(pool.store(index, 1, make_fragment(1, 2, 3, std::string(300, 'x'))));
}

TEST(EventPool, takes_the_buffers_of_free_slots_when_the_budget_needs_them) {
    EventPool pool({2, 1, 1000});
    const EventIndex first = pool.acquire(0).value();
    const EventIndex second = pool.acquire(0).value();
    EXPECT_TRUE(pool.store(first, 0, make_fragment(1, 2, 3, std::string(900, 'x'))));
    EXPECT_FALSE(pool.store(second, 0, make_fragment(1, 2, 3, std::string(900, 'x'))));
    pool.release(first);
    EXPECT_TRUE(pool.store(second, 0, make_fragment(1, 2, 3, std::string(900, 'x'))));
}

TEST(EventPool, what_free_bytes_promises_fits_a_slot_with_a_large_past) {
    EventPool pool({1, 2, 1000});
    EventIndex index = pool.acquire(0).value();
    EXPECT_TRUE(pool.store(index, 0, make_fragment(1, 2, 3, std::string(900, 'x'))));
    pool.release(index);
    EXPECT_EQ(pool.free_bytes(), 1000U);
    index = pool.acquire(1000).value();
    EXPECT_TRUE(pool.store(index, 1, make_fragment(1, 2, 3, std::string(1000, 'x'))));
}

TEST(EventPool, never_holds_more_than_its_budget) {
    constexpr std::size_t kBudget = 50'000;
    EventPool pool({16, 3, kBudget});
    std::mt19937_64 random(7);
    std::vector<EventIndex> taken;
    std::size_t refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::string payload(random() % (random() % 8 == 0 ? 20'000 : 1000), 'x');
        const bool promised = pool.free_count() > 0 && pool.free_bytes() >= payload.size();
        if (const auto index = pool.acquire(payload.size())) {
            const bool stored = pool.store(*index, static_cast<SourceIndex>(random() % 3),
                                           make_fragment(1, 2, 3, payload));
            EXPECT_TRUE(stored || !promised);
            refused += stored ? 0 : 1;
            taken.push_back(*index);
        }
        EXPECT_LE(pool.held_bytes(), kBudget);
        while (!taken.empty() && (random() % 2 == 0 || pool.free_count() == 0)) {
            const auto which = taken.begin() + static_cast<std::ptrdiff_t>(random() % taken.size());
            pool.release(*which);
            taken.erase(which);
        }
    }
    EXPECT_GT(refused, 0U);
    for (const EventIndex index : taken) {
        pool.release(index);
    }
    EXPECT_EQ(pool.free_bytes(), kBudget);
}

}  // namespace
}  // namespace tamis::streams
