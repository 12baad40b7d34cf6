#include "streams/published_snapshot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace tamis::streams {
namespace {

struct Wide {
    std::array<std::uint64_t, 64> words{};
};

TEST(PublishedSnapshot, is_zero_before_it_is_published) {
    const PublishedSnapshot<Wide> snapshot;
    EXPECT_EQ(snapshot.read().words[63], 0U);
}

TEST(PublishedSnapshot, is_never_seen_half_written) {
    PublishedSnapshot<Wide> snapshot;
    std::atomic<bool> stop = false;
    std::uint64_t torn = 0;
    std::uint64_t backwards = 0;
    std::thread reader([&] {
        std::uint64_t last = 0;
        while (!stop) {
            const Wide read = snapshot.read();
            torn += std::ranges::count(read.words, read.words[0]) == 64 ? 0 : 1;
            backwards += read.words[0] < last ? 1 : 0;
            last = read.words[0];
        }
    });
    Wide value;
    for (std::uint64_t i = 1; i <= 200'000; ++i) {
        value.words.fill(i);
        snapshot.publish(value);
    }
    stop = true;
    reader.join();
    EXPECT_EQ(torn, 0U);
    EXPECT_EQ(backwards, 0U);
    EXPECT_EQ(snapshot.read().words[63], 200'000U);
}

}  // namespace
}  // namespace tamis::streams
