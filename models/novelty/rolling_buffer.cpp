#include "models/novelty/rolling_buffer.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

namespace tamis::models {

RollingBuffer::RollingBuffer(std::size_t capacity, std::size_t width, std::size_t neighbours)
    : capacity_(capacity),
      width_(width),
      neighbours_(neighbours),
      points_(capacity * width),
      squares_(capacity) {
    Expects(width > 0 && neighbours > 0 && neighbours <= capacity);
}

std::optional<double> RollingBuffer::mean_distance(std::span<const double> at) {
    Expects(at.size() == width_);
    if (size_ < neighbours_) {
        return std::nullopt;
    }
    for (std::size_t place = 0; place < size_; ++place) {
        double square = 0;
        for (std::size_t axis = 0; axis < width_; ++axis) {
            const double difference = at[axis] - points_[place * width_ + axis];
            square += difference * difference;
        }
        squares_[place] = square;
    }
    const auto last = squares_.begin() + static_cast<std::ptrdiff_t>(neighbours_);
    std::partial_sort(squares_.begin(), last,
                      squares_.begin() + static_cast<std::ptrdiff_t>(size_));
    double sum = 0;
    for (auto square = squares_.begin(); square != last; ++square) {
        sum += std::sqrt(*square);
    }
    return sum / static_cast<double>(neighbours_);
}

void RollingBuffer::add(std::span<const double> point) {
    Expects(point.size() == width_);
    std::copy(point.begin(), point.end(),
              points_.begin() + static_cast<std::ptrdiff_t>(next_ * width_));
    next_ = (next_ + 1) % capacity_;
    size_ = std::min(size_ + 1, capacity_);
}

}  // namespace tamis::models
