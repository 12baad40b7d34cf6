#include "streams/reliable/message_ring.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {
namespace {

TEST(MessageRing, agrees_with_a_deque_over_random_work) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        RandomStream random(seed, 0, 0, RandomPart::process);
        const std::size_t bytes = 16 + random.bits() % 200;
        MessageRing ring(1 + random.bits() % 12, bytes);
        std::deque<std::vector<std::byte>> model;
        std::size_t held = 0;
        for (int step = 0; step < 2000; ++step) {
            if (random.chance(0.45) && !model.empty()) {
                held -= model.front().size();
                model.pop_front();
                ring.drop_first();
            } else if (const std::size_t size = 1 + random.bits() % (bytes / 2);
                       ring.has_room(size)) {
                std::vector<std::byte> message(size);
                std::ranges::generate(message, [&] { return std::byte(random.bits()); });
                std::ranges::copy(message, ring.append(size).begin());
                held += size;
                model.push_back(std::move(message));
            }
            ASSERT_LE(held, bytes);
            ASSERT_EQ(ring.size(), model.size());
            for (std::size_t i = 0; i < model.size(); ++i) {
                ASSERT_TRUE(std::ranges::equal(ring[i], model[i])) << "seed " << seed;
            }
        }
    }
}

// What a sender touches of a window of 64 MiB whose messages are acknowledged soon.
TEST(MessageRing, uses_the_same_memory_again) {
    MessageRing ring(4096, std::size_t{64} << 20);
    const std::byte* begin = ring.append(12'000).data();
    std::ptrdiff_t farthest = 0;
    for (int message = 0; message < 100'000; ++message) {
        farthest = std::max(farthest, ring.append(12'000).data() - begin);
        if (ring.size() > 20) {
            ring.drop_first();
        }
    }
    EXPECT_LT(farthest, std::ptrdiff_t{2} << 20);
    std::size_t held = ring.size();
    while (ring.has_room(12'000)) {
        static_cast<void>(ring.append(12'000));
        ++held;
    }
    EXPECT_EQ(held, 4096U) << "all of it is there when it is needed";
}

TEST(MessageRing, fills_its_bytes_from_any_state) {
    for (int dropped = 0; dropped < 40; ++dropped) {
        MessageRing ring(100'000, 4000);
        for (int message = 0; message < 100; ++message) {
            static_cast<void>(ring.append(40));
            if (message >= 60 - dropped) {
                ring.drop_first();
            }
        }
        while (ring.has_room(40)) {
            static_cast<void>(ring.append(40));
        }
        EXPECT_EQ(ring.size(), 100U) << dropped;
    }
}

TEST(MessageRing, holds_as_much_as_it_was_made_for) {
    MessageRing ring(3, 10);
    EXPECT_TRUE(ring.has_room(10));
    EXPECT_FALSE(ring.has_room(11));
    static_cast<void>(ring.append(4));
    static_cast<void>(ring.append(6));
    EXPECT_FALSE(ring.has_room(1)) << "no byte left";
    ring.drop_first();
    EXPECT_TRUE(ring.has_room(4)) << "at the begin, before the one that is left";
    EXPECT_FALSE(ring.has_room(5));
    static_cast<void>(ring.append(2));
    static_cast<void>(ring.append(2));
    EXPECT_FALSE(ring.has_room(1)) << "three messages";
}

}  // namespace
}  // namespace tamis::streams
