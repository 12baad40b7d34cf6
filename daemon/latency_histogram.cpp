#include "daemon/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tamis::daemon {
namespace {

constexpr unsigned kSubBits = 7;  // 128 buckets in each factor of two
constexpr unsigned kValueBits = 40;
constexpr std::size_t kBucketCount = (kValueBits - kSubBits + 1) << kSubBits;
constexpr std::uint64_t kLargest = (1ULL << kValueBits) - 1;

// Values below 256 have a bucket each; above, the eight leading bits of the value name its bucket.
std::size_t bucket_of(std::uint64_t value) noexcept {
    const std::uint64_t v = std::min(value, kLargest);
    const auto width = static_cast<unsigned>(std::bit_width(v));
    const unsigned shift = width > kSubBits + 1 ? width - (kSubBits + 1) : 0;
    return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(v >> shift);
}

// The largest value of a bucket.
std::uint64_t bucket_end(std::size_t bucket) noexcept {
    const std::size_t octave = bucket >> kSubBits;
    const std::size_t shift = octave > 0 ? octave - 1 : 0;
    const std::uint64_t leading = bucket - (shift << kSubBits);
    return ((leading + 1) << shift) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_(kBucketCount, 0) {}

void LatencyHistogram::record(std::uint64_t value_ns) noexcept {
    ++buckets_[bucket_of(value_ns)];
    ++count_;
    sum_ += value_ns;
    min_ = std::min(min_, value_ns);
    max_ = std::max(max_, value_ns);
}

void LatencyHistogram::merge(const LatencyHistogram& other) noexcept {
    for (std::size_t i = 0; i < kBucketCount; ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

void LatencyHistogram::assign(const LatencyHistogram& other) noexcept {
    std::copy(other.buckets_.begin(), other.buckets_.end(), buckets_.begin());
    count_ = other.count_;
    sum_ = other.sum_;
    min_ = other.min_;
    max_ = other.max_;
}

double LatencyHistogram::mean_ns() const noexcept {
    return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t LatencyHistogram::percentile_ns(double percent) const noexcept {
    if (count_ == 0) {
        return 0;
    }
    const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBucketCount; ++i) {
        seen += buckets_[i];
        if (seen >= wanted) {
            return std::min(bucket_end(i), max_);
        }
    }
    return max_;
}

std::uint64_t LatencyHistogram::count_at_most(std::uint64_t bound_ns) const noexcept {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBucketCount && bucket_end(i) <= bound_ns; ++i) {
        seen += buckets_[i];
    }
    return seen;
}

}  // namespace tamis::daemon
