#include "streams/synthetic/random_stream.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tamis::streams {
namespace {

TEST(RandomStream, gives_the_published_philox_numbers_for_zero_key_and_counter) {
    RandomStream random(0, 0, 0, RandomPart::process);
    EXPECT_EQ(random.bits(), 0x6627e8d5U);  // kat_vectors of Random123
    EXPECT_EQ(random.bits(), 0xe169c58dU);
    EXPECT_EQ(random.bits(), 0xbc57ac4cU);
    EXPECT_EQ(random.bits(), 0x9b00dbd8U);
}

TEST(RandomStream, differs_by_seed_run_event_and_part) {
    RandomStream reference(1, 2, 3, RandomPart::collision);
    RandomStream seed(2, 2, 3, RandomPart::collision);
    RandomStream run(1, 3, 3, RandomPart::collision);
    RandomStream event(1, 2, 3 + (std::uint64_t{1} << 32U), RandomPart::collision);
    RandomStream part(1, 2, 3, RandomPart::pixels);
    const auto first = reference.bits();
    EXPECT_NE(first, seed.bits());
    EXPECT_NE(first, run.bits());
    EXPECT_NE(first, event.bits());
    EXPECT_NE(first, part.bits());
}

struct Moments {
    double mean = 0, variance = 0;
};

template <class Draw>
Moments moments_of(Draw draw) {
    constexpr int kCount = 200000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kCount; ++i) {
        const double value = draw();
        sum += value;
        squares += value * value;
    }
    const double mean = sum / kCount;
    return {mean, squares / kCount - mean * mean};
}

TEST(RandomStream, distributions_have_their_mean_and_variance) {
    RandomStream random(11, 1, 1, RandomPart::collision);
    const auto near = [](const Moments& found, double mean, double variance) {
        EXPECT_NEAR(found.mean, mean, 6 * std::sqrt(variance / 200000));
        EXPECT_NEAR(found.variance, variance, 0.03 * variance);
    };
    near(moments_of([&] { return random.uniform(); }), 0.5, 1.0 / 12);
    near(moments_of([&] { return random.normal(); }), 0.0, 1.0);
    near(moments_of([&] { return random.exponential(3.0); }), 3.0, 9.0);
    near(moments_of([&] { return random.gamma(0.4, 2.0); }), 0.8, 1.6);
    near(moments_of([&] { return random.gamma(5.0, 2.0); }), 10.0, 20.0);
    near(moments_of([&] { return static_cast<double>(random.poisson(0.7)); }), 0.7, 0.7);
    near(moments_of([&] { return static_cast<double>(random.poisson(120.0)); }), 120.0, 120.0);
}

}  // namespace
}  // namespace tamis::streams
