#include "models/novelty/neighbour_tree.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <nanoflann.hpp>
#include <utility>

namespace tamis::models {

namespace {

// The points in the words of nanoflann.
struct PointSet {
    std::vector<double> values;
    std::size_t width;

    [[nodiscard]] std::size_t kdtree_get_point_count() const { return values.size() / width; }
    [[nodiscard]] double kdtree_get_pt(std::size_t place, std::size_t axis) const {
        return values[place * width + axis];
    }
    template <class Box>
    bool kdtree_get_bbox(Box& /*box*/) const {
        return false;  // found from the points
    }
};

using Index =
    nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, PointSet>, PointSet>;

}  // namespace

struct NeighbourTree::Tree {
    Tree(std::vector<double> values, std::size_t width)
        : points{std::move(values), width}, index(static_cast<int>(width), points) {}

    PointSet points;
    Index index;
};

NeighbourTree::NeighbourTree(std::vector<double> points, std::size_t width) {
    Expects(width > 0 && !points.empty() && points.size() % width == 0);
    tree_ = std::make_unique<const Tree>(std::move(points), width);
}
NeighbourTree::~NeighbourTree() = default;
NeighbourTree::NeighbourTree(NeighbourTree&&) noexcept = default;
NeighbourTree& NeighbourTree::operator=(NeighbourTree&&) noexcept = default;

std::size_t NeighbourTree::size() const noexcept { return tree_->points.kdtree_get_point_count(); }

std::size_t NeighbourTree::width() const noexcept { return tree_->points.width; }

std::span<const double> NeighbourTree::point(std::size_t place) const noexcept {
    return std::span(tree_->points.values).subspan(place * width(), width());
}

Neighbours NeighbourTree::nearest(std::span<const double> at, std::size_t count) const {
    Expects(at.size() == width() && count <= size());
    Neighbours found{std::vector<std::uint32_t>(count), std::vector<double>(count)};
    if (count > 0) {
        tree_->index.knnSearch(at.data(), count, found.places.data(), found.distances.data());
    }
    std::transform(found.distances.begin(), found.distances.end(), found.distances.begin(),
                   [](double squared) { return std::sqrt(squared); });
    return found;
}

Neighbours NeighbourTree::nearest_of(std::size_t place, std::size_t count) const {
    Expects(place < size() && count < size());
    Neighbours found = nearest(point(place), count + 1);
    // Among many points at one place it may not be there: then one of them stands for it.
    const auto self = std::find(found.places.begin(), found.places.end(), place);
    const auto gone = self == found.places.end() ? std::ptrdiff_t{0} : self - found.places.begin();
    found.places.erase(found.places.begin() + gone);
    found.distances.erase(found.distances.begin() + gone);
    return found;
}

}  // namespace tamis::models
