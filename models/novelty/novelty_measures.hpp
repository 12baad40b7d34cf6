// The measures of Hajer, Li, Liu and Wang (arXiv:1807.10261). Distances are means over the k
// nearest points. Pure functions but for the reference, which is immutable: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/novelty/neighbour_tree.hpp"

namespace tamis::models {

struct IsolationAnswer {
    double distance = 0;  // d: mean to the nearest reference points
    double isolation = 0;
    double usual = 0;   // mean d' of those
    double spread = 0;  // standard deviation of d', never 0
};

// From the distances to the nearest reference points, the nearest first, and d' of those in the
// same order. No allocation.
[[nodiscard]] IsolationAnswer isolation_of(std::span<const double> distances,
                                           std::span<const double> theirs) noexcept;

// How far a point lies from the reference sample, against how far apart its neighbours there lie
// from theirs: (d - mean d') / spread d', where d is the mean distance to the k nearest reference
// points and d' that quantity of each of them (itself left out), with the standard deviation as
// spread. A function of the point and the reference alone.
class IsolationReference {
 public:
    // Error: fewer than neighbours + 2 points, one that is not finite.
    [[nodiscard]] static tl::expected<IsolationReference, std::string> make(
        std::vector<double> points, std::size_t width, std::size_t neighbours);

    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }
    [[nodiscard]] std::size_t width() const noexcept { return tree_.width(); }
    [[nodiscard]] std::size_t neighbours() const noexcept { return neighbours_; }
    [[nodiscard]] std::span<const double> point(std::size_t place) const noexcept {
        return tree_.point(place);
    }
    [[nodiscard]] std::span<const double> own_distances() const noexcept { return own_distances_; }
    // `at`: width() finite numbers.
    [[nodiscard]] IsolationAnswer answer(std::span<const double> at) const;

 private:
    IsolationReference(NeighbourTree tree, std::size_t neighbours);

    NeighbourTree tree_;
    std::size_t neighbours_;
    std::vector<double> own_distances_;  // d' of each reference point
};

// How much denser than the reference the data under test are at a point, in units of a Poisson
// deviation: (d_test^-m - d_train^-m) / d_train^(-m/2) in m dimensions. `reference_share`: points
// of the reference for one under test, by whose number d_train^-m is divided, so that samples of
// one distribution and different sizes answer about 0; the paper has 1.
[[nodiscard]] double clustering(double test_distance, double reference_distance,
                                std::size_t dimensions, double reference_share);

// Root of the mean square of the values that are numbers; 0 without any.
[[nodiscard]] double root_mean_square(std::span<const double> values);
// 1/2 (1 + erf(value / (scale sqrt 2))), from 0 to 1; 1/2 where the scale is 0.
[[nodiscard]] double to_unit(double value, double scale);

}  // namespace tamis::models
