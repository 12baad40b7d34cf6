// Operators that only move elements along axes: Slice, Gather, Pad, Expand. Each is one list per
// axis that says where the result's index comes from; an element of the result with a kFill in any
// of its axes is a constant. Lists are as long as the axes, never as the tensor. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

struct AxisMaps {
    static constexpr std::int64_t kFill = -1;
    std::vector<std::vector<std::int64_t>> from;  // per axis of the source
    float fill = 0.F;

    [[nodiscard]] std::vector<std::int64_t> dimensions() const;  // of the result
};

[[nodiscard]] AxisMaps identity_maps(std::span<const std::int64_t> dimensions);

// One function per operator; axes count from 0 in the given dimensions. Errors name what is out of
// range.
struct SliceRange {
    std::size_t axis = 0;
    std::int64_t start = 0, end = 0, step = 1;  // as ONNX has them: negative from the end, clamped
};
[[nodiscard]] tl::expected<AxisMaps, std::string> slice_maps(
    std::span<const std::int64_t> dimensions, const std::vector<SliceRange>& ranges);
[[nodiscard]] tl::expected<AxisMaps, std::string> gather_maps(
    std::span<const std::int64_t> dimensions, std::size_t axis,
    const std::vector<std::int64_t>& indices);
enum class PadMode { constant, edge, reflect };
[[nodiscard]] tl::expected<AxisMaps, std::string> pad_maps(std::span<const std::int64_t> dimensions,
                                                           const std::vector<std::int64_t>& pads,
                                                           PadMode mode, float value);
// target: same rank; each dimension the source's, or any where that is 1.
[[nodiscard]] tl::expected<AxisMaps, std::string> expand_maps(
    std::span<const std::int64_t> dimensions, std::span<const std::int64_t> target);

// The maps of a Slice, Gather, Pad or Expand node in the normal form of graph.hpp on rows of this
// shape. Gather: the gathered axis is still one axis, indices_shape replaces it afterwards.
[[nodiscard]] tl::expected<AxisMaps, std::string> axis_maps_of(const Node& node, const Shape& row);

// Calls back with (place in the result, place in the source or -1) for blocks of this many
// neighbouring elements. Takes no memory.
class BlockMoves {
 public:
    BlockMoves(const AxisMaps& maps, std::span<const std::int64_t> source);
    [[nodiscard]] std::size_t block() const { return block_; }
    template <class Move>
    void for_each(const Move& move) const {
        std::array<std::size_t, kMaxRank> index{};
        for (std::size_t i = 0; i < count_; ++i) {
            std::int64_t from = 0;
            for (std::size_t axis = 0; axis < offsets_.size(); ++axis) {
                const std::int64_t offset = offsets_[axis][index[axis]];
                if (offset < 0) from = INT64_MIN / 2;
                from += offset;
            }
            move(i * block_, from < 0 ? std::int64_t{-1} : from);
            for (std::size_t axis = offsets_.size(); axis-- > 0;) {
                if (++index[axis] < offsets_[axis].size()) break;
                index[axis] = 0;
            }
        }
    }

 private:
    std::vector<std::vector<std::int64_t>> offsets_;  // per outer axis, in elements; -1: fill
    std::size_t block_ = 1;
    std::size_t count_ = 1;
};

}  // namespace tamis::engine
