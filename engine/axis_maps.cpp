#include "engine/axis_maps.hpp"

#include <algorithm>
#include <numeric>

#include "engine/refusal.hpp"

namespace tamis::engine {

namespace {

using Result = tl::expected<AxisMaps, std::string>;

std::vector<std::int64_t> counted(std::int64_t first, std::int64_t step, std::int64_t count) {
    std::vector<std::int64_t> list(static_cast<std::size_t>(count));
    for (std::int64_t& entry : list) {
        entry = first;
        first += step;
    }
    return list;
}

// Where an index outside [0, extent) of a padded axis reads.
std::int64_t padded_index(std::int64_t index, std::int64_t extent, PadMode mode) {
    if (index >= 0 && index < extent) return index;
    if (mode == PadMode::constant) return AxisMaps::kFill;
    if (mode == PadMode::edge) return std::clamp<std::int64_t>(index, 0, extent - 1);
    return index < 0 ? -index : 2 * (extent - 1) - index;
}

}  // namespace

std::vector<std::int64_t> AxisMaps::dimensions() const {
    std::vector<std::int64_t> list;
    for (const auto& axis : from) list.push_back(static_cast<std::int64_t>(axis.size()));
    return list;
}

AxisMaps identity_maps(std::span<const std::int64_t> dimensions) {
    AxisMaps maps;
    for (const std::int64_t extent : dimensions) maps.from.push_back(counted(0, 1, extent));
    return maps;
}

Result slice_maps(std::span<const std::int64_t> dimensions, const std::vector<SliceRange>& ranges) {
    AxisMaps maps = identity_maps(dimensions);
    for (const SliceRange& range : ranges) {
        if (range.axis >= dimensions.size() || range.step == 0) {
            return refuse("axis out of range or step 0");
        }
        const std::int64_t extent = dimensions[range.axis];
        const bool backward = range.step < 0;
        const std::int64_t low = backward ? -1 : 0;
        const std::int64_t high = backward ? extent - 1 : extent;
        const auto placed = [&](std::int64_t at) {
            const std::int64_t shifted = at < 0 ? std::max(at, -2 * extent - 2) + extent : at;
            return std::clamp(shifted, low, high);
        };
        const std::int64_t start = std::max<std::int64_t>(placed(range.start), 0);
        const std::int64_t end = placed(range.end);
        // A step beyond the axis takes one element.
        const std::int64_t step = std::clamp(range.step, -extent - 1, extent + 1);
        const std::int64_t span = backward ? start - end : end - start;
        if (span <= 0)
            return refuse("takes nothing of axis " + std::to_string(range.axis) +
                          "; a slice must have an element");
        const std::int64_t width = backward ? -step : step;
        maps.from[range.axis] = counted(start, step, (span + width - 1) / width);
    }
    return maps;
}

Result gather_maps(std::span<const std::int64_t> dimensions, std::size_t axis,
                   const std::vector<std::int64_t>& indices) {
    if (axis >= dimensions.size() || indices.empty()) return refuse("axis or indices out of range");
    AxisMaps maps = identity_maps(dimensions);
    maps.from[axis] = indices;
    for (std::int64_t& index : maps.from[axis]) {
        if (index < -dimensions[axis] || index >= dimensions[axis]) {
            return refuse("index " + std::to_string(index) + " out of range; the axis has " +
                          std::to_string(dimensions[axis]) + " places");
        }
        if (index < 0) index += dimensions[axis];
    }
    return maps;
}

Result pad_maps(std::span<const std::int64_t> dimensions, const std::vector<std::int64_t>& pads,
                PadMode mode, float value) {
    const std::size_t rank = dimensions.size();
    if (pads.size() != 2 * rank) return refuse("pads do not match the number of dimensions");
    AxisMaps maps = identity_maps(dimensions);
    maps.fill = value;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const std::int64_t extent = dimensions[axis];
        const std::int64_t before = pads[axis];
        const std::int64_t after = pads[axis + rank];
        const auto legal = [&](std::int64_t pad) {
            return pad > -extent && pad <= kMaxDimension &&
                   (mode != PadMode::reflect || pad < extent);
        };
        if (!legal(before) || !legal(after) || extent + before + after < 1 ||
            extent + before + after > kMaxDimension) {
            return refuse("pads of axis " + std::to_string(axis) + " out of range");
        }
        maps.from[axis] = counted(-before, 1, extent + before + after);
        for (std::int64_t& index : maps.from[axis]) index = padded_index(index, extent, mode);
    }
    return maps;
}

Result expand_maps(std::span<const std::int64_t> dimensions, std::span<const std::int64_t> target) {
    if (dimensions.size() != target.size()) return refuse("ranks differ");
    AxisMaps maps = identity_maps(dimensions);
    for (std::size_t axis = 0; axis < dimensions.size(); ++axis) {
        if (target[axis] == dimensions[axis]) continue;
        if (dimensions[axis] != 1 || target[axis] < 1 || target[axis] > kMaxDimension) {
            return refuse("axis " + std::to_string(axis) + " of " +
                          std::to_string(dimensions[axis]) + " cannot become " +
                          std::to_string(target[axis]));
        }
        maps.from[axis].assign(static_cast<std::size_t>(target[axis]), 0);
    }
    return maps;
}

Result axis_maps_of(const Node& node, const Shape& row) {
    const auto dimensions = row.dimensions();
    if (node.op == "Gather") {
        const std::int64_t axis = node.integer("axis", 1) - 1;
        if (axis < 0) return refuse("axis 0 is the batch; supported is an axis of the row");
        return gather_maps(dimensions, static_cast<std::size_t>(axis), node.integers("indices"));
    }
    if (node.op == "Expand") return expand_maps(dimensions, node.integers("shape"));
    if (node.op == "Pad") {
        const auto found = node.attributes.find("mode");
        const auto* mode =
            found == node.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
        if (mode == nullptr || (*mode != "constant" && *mode != "edge" && *mode != "reflect")) {
            return refuse("mode is unknown; supported are constant, edge and reflect");
        }
        return pad_maps(dimensions, node.integers("pads"),
                        *mode == "constant" ? PadMode::constant
                        : *mode == "edge"   ? PadMode::edge
                                            : PadMode::reflect,
                        node.real("value", 0.F));
    }
    const auto axes = node.integers("axes");
    const auto starts = node.integers("starts");
    const auto ends = node.integers("ends");
    const auto steps = node.integers("steps");
    if (starts.size() != axes.size() || ends.size() != axes.size() || steps.size() != axes.size()) {
        return refuse("axes, starts, ends and steps have different lengths");
    }
    std::vector<SliceRange> ranges;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        if (axes[i] < 1) return refuse("axis 0 is the batch; supported is an axis of the row");
        ranges.push_back({static_cast<std::size_t>(axes[i] - 1), starts[i], ends[i], steps[i]});
    }
    return slice_maps(dimensions, ranges);
}

BlockMoves::BlockMoves(const AxisMaps& maps, std::span<const std::int64_t> source) {
    std::size_t outer = maps.from.size();
    // Axes at the end that stay whole are one block.
    while (outer > 0) {
        const auto& map = maps.from[outer - 1];
        if (map != counted(0, 1, source[outer - 1])) break;
        block_ *= map.size();
        --outer;
    }
    auto stride = static_cast<std::int64_t>(block_);
    offsets_.resize(outer);
    for (std::size_t axis = outer; axis-- > 0;) {
        for (const std::int64_t index : maps.from[axis]) {
            offsets_[axis].push_back(index < 0 ? AxisMaps::kFill : index * stride);
        }
        stride *= source[axis];
        count_ *= maps.from[axis].size();
    }
}

}  // namespace tamis::engine
