// Points of tests, and the plain way to the nearest of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/random.hpp"

namespace tamis::tests {

// Normal, row by row.
inline std::vector<double> random_points(std::size_t count, std::size_t width, std::uint64_t seed) {
    std::vector<double> points(count * width);
    for (std::size_t i = 0; i < points.size(); ++i) {
        points[i] = engine::random_normal(seed, engine::stream_of("points"), i);
    }
    return points;
}

// (distance, place) of all points, the nearest first.
inline std::vector<std::pair<double, std::size_t>> by_distance(std::span<const double> points,
                                                               std::span<const double> at) {
    std::vector<std::pair<double, std::size_t>> found;
    for (std::size_t place = 0; place < points.size() / at.size(); ++place) {
        double square = 0;
        for (std::size_t axis = 0; axis < at.size(); ++axis) {
            square += std::pow(points[place * at.size() + axis] - at[axis], 2);
        }
        found.emplace_back(std::sqrt(square), place);
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Mean distance to the `count` nearest, of which the first `skipped` do not count.
inline double mean_distance(std::span<const double> points, std::span<const double> at,
                            std::size_t count, std::size_t skipped = 0) {
    const auto near = by_distance(points, at);
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += near[skipped + i].first;
    }
    return sum / static_cast<double>(count);
}

}  // namespace tamis::tests
