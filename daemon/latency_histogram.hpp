// Distribution of times from 1 ns to 18 min in log-linear buckets, the layout of HdrHistogram
// (G. Tene): 128 buckets in each factor of two, so a percentile is at most 0.8 % too high. About
// 36 KiB. One writer; copies and merges are plain. Allocates once, when it is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tamis::daemon {

class LatencyHistogram {
 public:
    LatencyHistogram();

    // Values above the range count in the last bucket; max() stays exact.
    void record(std::uint64_t value_ns) noexcept;
    void merge(const LatencyHistogram& other) noexcept;
    // Copies without allocating.
    void assign(const LatencyHistogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t sum_ns() const noexcept { return sum_; }
    [[nodiscard]] std::uint64_t min_ns() const noexcept { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::uint64_t max_ns() const noexcept { return max_; }
    [[nodiscard]] double mean_ns() const noexcept;
    // The smallest bucket end that at least `percent` (0 to 100) of the values do not exceed, and
    // never more than max_ns(); 0 when empty.
    [[nodiscard]] std::uint64_t percentile_ns(double percent) const noexcept;
    // How many values lie in buckets that end at or below `bound_ns`.
    [[nodiscard]] std::uint64_t count_at_most(std::uint64_t bound_ns) const noexcept;

 private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t min_ = UINT64_MAX;
    std::uint64_t max_ = 0;
};

}  // namespace tamis::daemon
