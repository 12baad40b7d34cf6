// Nearest neighbours among a fixed set of points, by a k-d tree (nanoflann). Immutable after its
// construction; queries run on any thread and allocate. Cold path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tamis::models {

// In the order of distance; of points at the same distance any may stand for another.
struct Neighbours {
    std::vector<std::uint32_t> places;
    std::vector<double> distances;
};

class NeighbourTree {
 public:
    // Finite points of `width` numbers each, row by row; at least one.
    NeighbourTree(std::vector<double> points, std::size_t width);
    ~NeighbourTree();
    NeighbourTree(NeighbourTree&&) noexcept;
    NeighbourTree& operator=(NeighbourTree&&) noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] std::size_t width() const noexcept;
    [[nodiscard]] std::span<const double> point(std::size_t place) const noexcept;
    // count at most size(); `at`: width() numbers.
    [[nodiscard]] Neighbours nearest(std::span<const double> at, std::size_t count) const;
    // Of one of the points, without itself; count below size().
    [[nodiscard]] Neighbours nearest_of(std::size_t place, std::size_t count) const;

 private:
    struct Tree;
    std::unique_ptr<const Tree> tree_;
};

}  // namespace tamis::models
