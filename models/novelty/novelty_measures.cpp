#include "models/novelty/novelty_measures.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace tamis::models {

namespace {

// Points at one place have no distance: measures stay finite.
constexpr double kShortest = 1e-9;
constexpr double kSmallestSpread = 1e-6;  // of the mean

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

IsolationAnswer isolation_of(std::span<const double> distances,
                             std::span<const double> theirs) noexcept {
    const double usual = mean(theirs);
    double squares = 0;
    for (const double value : theirs) {
        squares += (value - usual) * (value - usual);
    }
    const double deviation = std::sqrt(squares / static_cast<double>(theirs.size()));
    const double spread = std::max({deviation, kSmallestSpread * usual, kShortest});
    const double distance = mean(distances);
    return {distance, (distance - usual) / spread, usual, spread};
}

IsolationReference::IsolationReference(NeighbourTree tree, std::size_t neighbours)
    : tree_(std::move(tree)), neighbours_(neighbours), own_distances_(tree_.size()) {
    for (std::size_t place = 0; place < own_distances_.size(); ++place) {
        own_distances_[place] = mean(tree_.nearest_of(place, neighbours).distances);
    }
}

tl::expected<IsolationReference, std::string> IsolationReference::make(std::vector<double> points,
                                                                       std::size_t width,
                                                                       std::size_t neighbours) {
    if (neighbours == 0) {
        return tl::unexpected(std::string("0 neighbours (nothing to measure); give 1 or more"));
    }
    const std::size_t count = width == 0 ? 0 : points.size() / width;
    if (count < neighbours + 2) {
        return tl::unexpected("the reference has " + std::to_string(count) + " points (too few); " +
                              std::to_string(neighbours) + " neighbours take at least " +
                              std::to_string(neighbours + 2));
    }
    const auto broken = std::find_if(points.begin(), points.end(),
                                     [](double value) { return !std::isfinite(value); });
    if (broken != points.end()) {
        return tl::unexpected(
            "point " +
            std::to_string(static_cast<std::size_t>(broken - points.begin()) / width + 1) +
            " of the reference is not finite; leave it out");
    }
    return IsolationReference(NeighbourTree(std::move(points), width), neighbours);
}

IsolationAnswer IsolationReference::answer(std::span<const double> at) const {
    const Neighbours near = tree_.nearest(at, neighbours_);
    std::vector<double> theirs(near.places.size());
    std::transform(near.places.begin(), near.places.end(), theirs.begin(),
                   [this](std::uint32_t place) { return own_distances_[place]; });
    return isolation_of(near.distances, theirs);
}

double clustering(double test_distance, double reference_distance, std::size_t dimensions,
                  double reference_share) {
    const auto density = [dimensions](double distance) {
        return std::pow(std::max(distance, kShortest), -static_cast<double>(dimensions));
    };
    const double expected = density(reference_distance) / reference_share;
    return (density(test_distance) - expected) / std::sqrt(expected);
}

double root_mean_square(std::span<const double> values) {
    double sum = 0;
    std::size_t count = 0;
    for (const double value : values) {
        if (!std::isnan(value)) {
            sum += value * value;
            ++count;
        }
    }
    return count == 0 ? 0 : std::sqrt(sum / static_cast<double>(count));
}

double to_unit(double value, double scale) {
    return scale > 0 ? 0.5 * (1 + std::erf(value / (scale * std::numbers::sqrt2))) : 0.5;
}

}  // namespace tamis::models
