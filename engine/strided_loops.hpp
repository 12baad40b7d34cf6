// Nested loops over tensors that are walked together, each by its own strides; an axis along which
// a tensor is repeated has stride 0. Axes that can be are joined, so that the innermost run is
// long. Made on the cold path; walking allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "engine/tensor.hpp"

namespace tamis::engine {

using Strides = std::vector<std::size_t>;

// Row-major strides of a shape, seen with the rank of the result: 0 where it is repeated. The
// shape's dimensions are those of the result or 1.
[[nodiscard]] Strides repeated_strides(const Shape& own, const Shape& result);

template <std::size_t Tensors>
class StridedLoops {
 public:
    using Offsets = std::array<std::size_t, Tensors>;

    StridedLoops(const Shape& extents, const std::array<Strides, Tensors>& strides) {
        for (std::size_t axis = 0; axis < extents.rank(); ++axis) {
            const auto extent = static_cast<std::size_t>(extents[axis]);
            if (extent == 1) continue;
            Offsets step{};
            for (std::size_t t = 0; t < Tensors; ++t) step[t] = strides[t][axis];
            if (rank_ > 0 && joins(extent, step)) {
                extents_[rank_ - 1] *= extent;
                steps_[rank_ - 1] = step;
            } else {
                extents_[rank_] = extent;
                steps_[rank_++] = step;
            }
        }
        if (rank_ == 0) {
            extents_[0] = 1;
            rank_ = 1;
        }
        for (std::size_t axis = 0; axis + 1 < rank_; ++axis) run_count_ *= extents_[axis];
    }

    [[nodiscard]] std::size_t run_length() const { return extents_[rank_ - 1]; }
    [[nodiscard]] std::size_t run_step(std::size_t tensor) const {
        return steps_[rank_ - 1][tensor];
    }

    // run(offsets): where each tensor's run begins.
    template <class Run>
    void for_each_run(const Run& run) const {
        std::array<std::size_t, kMaxRank> index{};
        Offsets at{};
        for (std::size_t i = 0; i < run_count_; ++i) {
            run(at);
            for (std::size_t axis = rank_ - 1; axis-- > 0;) {
                for (std::size_t t = 0; t < Tensors; ++t) at[t] += steps_[axis][t];
                if (++index[axis] < extents_[axis]) break;
                for (std::size_t t = 0; t < Tensors; ++t) {
                    at[t] -= steps_[axis][t] * extents_[axis];
                }
                index[axis] = 0;
            }
        }
    }

 private:
    [[nodiscard]] bool joins(std::size_t extent, const Offsets& step) const {
        for (std::size_t t = 0; t < Tensors; ++t) {
            if (steps_[rank_ - 1][t] != step[t] * extent) return false;
        }
        return true;
    }

    std::array<std::size_t, kMaxRank> extents_{};
    std::array<Offsets, kMaxRank> steps_{};
    std::size_t rank_ = 0;
    std::size_t run_count_ = 1;
};

}  // namespace tamis::engine
