#include "daemon/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace tamis::daemon {
namespace {

TEST(LatencyHistogram, is_empty_at_first) {
    const LatencyHistogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.percentile_ns(50), 0U);
    EXPECT_EQ(histogram.min_ns(), 0U);
    EXPECT_EQ(histogram.max_ns(), 0U);
}

TEST(LatencyHistogram, holds_small_values_exactly) {
    LatencyHistogram histogram;
    for (std::uint64_t value = 0; value < 256; ++value) {
        histogram.record(value);
    }
    EXPECT_EQ(histogram.min_ns(), 0U);
    EXPECT_EQ(histogram.percentile_ns(50), 127U);
    EXPECT_EQ(histogram.percentile_ns(100), 255U);
    for (std::uint64_t value = 0; value < 256; ++value) {
        EXPECT_EQ(histogram.count_at_most(value), value + 1);
    }
}

// Against the sorted values themselves: never too low, at most 0.8 % too high.
TEST(LatencyHistogram, gives_percentiles_within_its_resolution) {
    std::mt19937_64 random(1);
    std::lognormal_distribution<double> latencies(10, 2);
    LatencyHistogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 100'000; ++i) {
        values.push_back(static_cast<std::uint64_t>(latencies(random)));
        histogram.record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.1, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
        const auto rank = static_cast<std::size_t>(
            std::max(1.0, std::ceil(percent / 100 * static_cast<double>(values.size()))));
        const std::uint64_t exact = values[rank - 1];
        EXPECT_GE(histogram.percentile_ns(percent), exact) << percent;
        EXPECT_LE(static_cast<double>(histogram.percentile_ns(percent)),
                  static_cast<double>(exact) * 1.008 + 1)
            << percent;
    }
    EXPECT_EQ(histogram.min_ns(), values.front());
    EXPECT_EQ(histogram.max_ns(), values.back());
}

TEST(LatencyHistogram, counts_values_above_its_range_in_the_last_bucket) {
    LatencyHistogram histogram;
    histogram.record(UINT64_MAX);
    histogram.record(1);
    EXPECT_EQ(histogram.count(), 2U);
    EXPECT_EQ(histogram.max_ns(), UINT64_MAX);
    EXPECT_EQ(histogram.count_at_most((1ULL << 40U) - 1), 2U);
}

TEST(LatencyHistogram, merges_as_if_all_had_been_recorded_in_one) {
    std::mt19937_64 random(2);
    LatencyHistogram one;
    LatencyHistogram other;
    LatencyHistogram all;
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t value = random() >> (random() % 60);
        (i % 3 == 0 ? one : other).record(value);
        all.record(value);
    }
    one.merge(other);
    EXPECT_EQ(one.count(), all.count());
    EXPECT_EQ(one.sum_ns(), all.sum_ns());
    EXPECT_EQ(one.min_ns(), all.min_ns());
    EXPECT_EQ(one.max_ns(), all.max_ns());
    for (const double percent : {1.0, 50.0, 99.0}) {
        EXPECT_EQ(one.percentile_ns(percent), all.percentile_ns(percent));
    }
}

}  // namespace
}  // namespace tamis::daemon
