// Isolation on the event path: the nearest reference points by a walk over all of them, so that
// every event takes the same time, an outlier as well (in a k-d tree it is the outlier that visits
// most). The bits are those of IsolationReference::answer, but where reference points lie equally
// far. The walk is immutable; scratch belongs to one thread and takes its memory when it is made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/novelty/novelty_measures.hpp"

namespace tamis::models {

// Which instructions the walk may use; the bits are the same.
enum class WalkInstructions : std::uint8_t { best, baseline };

class IsolationWalk {
 public:
    explicit IsolationWalk(const IsolationReference& reference,
                           WalkInstructions instructions = WalkInstructions::best);

    class Scratch {
     public:
        explicit Scratch(const IsolationWalk& walk);

     private:
        friend class IsolationWalk;
        // Of the nearest points so far, the nearest first.
        std::vector<double> squares_, theirs_;
        std::vector<std::uint32_t> places_;
    };

    [[nodiscard]] std::size_t width() const noexcept { return width_; }
    // `at`: width() finite numbers. The scratch is one of this walk.
    [[nodiscard]] IsolationAnswer answer(std::span<const double> at,
                                         Scratch& scratch) const noexcept;

 private:
    void walk(std::span<const double> at, Scratch& scratch) const noexcept;

    static constexpr std::size_t kBlock = 64;  // points of a block
    using Squares = std::array<double, kBlock>;
    // The squared distances from `at` to the points of a block; how many are below `bound`.
    using MeasureBlock = std::size_t (*)(const double* block, std::span<const double> at,
                                         double bound, Squares& squares) noexcept;
    friend struct BlockMeasures;

    MeasureBlock measure_block_;
    std::size_t width_, neighbours_;
    // Blocks of kBlock points, axis by axis; infinity behind the last point.
    std::vector<double> blocks_;
    std::vector<double> own_distances_;
};

}  // namespace tamis::models
