// The last events accepted, as points, and how close a new one lies to them. One thread; memory is
// taken in the constructor.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tamis::models {

class RollingBuffer {
 public:
    // Of `capacity` points of `width` numbers; `neighbours` at least 1 and at most `capacity`.
    RollingBuffer(std::size_t capacity, std::size_t width, std::size_t neighbours);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // Mean distance from the point to the nearest `neighbours` in the buffer; none while the buffer
    // has fewer.
    [[nodiscard]] std::optional<double> mean_distance(std::span<const double> at);
    // Takes the point in; the oldest leaves a full buffer.
    void add(std::span<const double> point);

 private:
    std::size_t capacity_, width_, neighbours_;
    std::size_t size_ = 0, next_ = 0;
    std::vector<double> points_, squares_;
};

}  // namespace tamis::models
