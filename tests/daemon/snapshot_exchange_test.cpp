#include "daemon/snapshot_exchange.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace tamis::daemon {
namespace {

TEST(SnapshotExchange, gives_the_last_published_value) {
    SnapshotExchange<int> exchange(7);
    EXPECT_EQ(exchange.latest(), 7);
    exchange.draft() = 8;
    EXPECT_EQ(exchange.latest(), 7);
    exchange.publish();
    exchange.draft() = 9;
    exchange.publish();
    EXPECT_EQ(exchange.latest(), 9);
    EXPECT_EQ(exchange.latest(), 9);
}

TEST(SnapshotExchange, never_shows_half_a_value_nor_goes_back) {
    using Value = std::array<std::uint64_t, 512>;
    SnapshotExchange<Value> exchange(Value{});
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        for (std::uint64_t value = 1; value <= 20'000; ++value) {
            exchange.draft().fill(value);
            exchange.publish();
        }
        stop = true;
    });
    std::uint64_t last = 0;
    std::size_t torn = 0;
    std::size_t backward = 0;
    bool last_round = false;
    while (!last_round) {
        last_round = stop;
        const Value& value = exchange.latest();
        for (const std::uint64_t element : value) {
            torn += element != value[0] ? 1 : 0;
        }
        backward += value[0] < last ? 1 : 0;
        last = value[0];
    }
    writer.join();
    EXPECT_EQ(torn, 0U);
    EXPECT_EQ(backward, 0U);
    EXPECT_EQ(exchange.latest()[0], 20'000U);
}

}  // namespace
}  // namespace tamis::daemon
