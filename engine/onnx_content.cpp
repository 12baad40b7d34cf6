#include "engine/onnx_content.hpp"

#include <algorithm>

#include "engine/refusal.hpp"

namespace tamis::engine {

namespace {

using Dimensions = std::vector<std::int64_t>;
using DimensionsResult = tl::expected<Dimensions, std::string>;

// Product; nothing: overflow. Dimensions are not negative.
std::optional<std::int64_t> element_count(const Dimensions& dimensions) {
    std::int64_t count = 1;
    for (const std::int64_t extent : dimensions) {
        if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return std::nullopt;
    }
    return count;
}

}  // namespace

std::optional<Dimensions> NodeArguments::integers(const std::string& attribute,
                                                  std::size_t input) const {
    const auto found = node.attributes.find(attribute);
    if (found != node.attributes.end()) {
        const auto* list = std::get_if<Dimensions>(&found->second);
        if (list != nullptr) return *list;
    }
    const OnnxConstant* given = constant(input);
    if (given == nullptr || given->is_real()) return std::nullopt;
    return given->integers;
}

std::string NodeArguments::text(const std::string& attribute, const std::string& otherwise) const {
    const auto found = node.attributes.find(attribute);
    if (found == node.attributes.end()) return otherwise;
    const auto* value = std::get_if<std::string>(&found->second);
    return value == nullptr ? otherwise : *value;
}

tl::expected<std::size_t, std::string> plain_axis(std::int64_t axis, std::size_t rank) {
    const auto size = static_cast<std::int64_t>(rank);
    if (axis < -size || axis >= size) {
        return refuse("axis " + std::to_string(axis) + " (out of range) of " +
                      std::to_string(rank) + " dimensions");
    }
    return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

tl::expected<std::vector<std::size_t>, std::string> plain_axes(const Dimensions& axes,
                                                               std::size_t rank) {
    std::vector<std::size_t> plain;
    for (const std::int64_t axis : axes) {
        const auto one = plain_axis(axis, rank);
        if (!one) return tl::unexpected(one.error());
        plain.push_back(*one);
    }
    std::ranges::sort(plain);
    if (std::ranges::adjacent_find(plain) != plain.end()) return refuse("an axis is given twice");
    return plain;
}

tl::expected<std::vector<SliceRange>, std::string> slice_ranges(const NodeArguments& arguments,
                                                                std::size_t rank) {
    const auto starts = arguments.integers("starts", 1);
    const auto ends = arguments.integers("ends", 2);
    if (!starts || !ends || starts->size() != ends->size()) {
        return refuse("starts and ends must be constants of one length");
    }
    if ((arguments.has(3) && arguments.constant(3) == nullptr) ||
        (arguments.has(4) && arguments.constant(4) == nullptr)) {
        return refuse("axes and steps must be constants");
    }
    Dimensions axes;
    for (std::size_t i = 0; i < starts->size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    axes = arguments.integers("axes", 3).value_or(axes);
    const Dimensions steps = arguments.integers("", 4).value_or(Dimensions(starts->size(), 1));
    if (axes.size() != starts->size() || steps.size() != starts->size()) {
        return refuse("starts, ends, axes and steps have different lengths");
    }
    if (!plain_axes(axes, rank)) return refuse("axes out of range or given twice");
    std::vector<SliceRange> ranges;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        ranges.push_back({*plain_axis(axes[i], rank), (*starts)[i], (*ends)[i], steps[i]});
    }
    return ranges;
}

DimensionsResult reshaped_dimensions(const NodeArguments& arguments, const Dimensions& dimensions) {
    auto target = arguments.integers("shape", 1);
    if (!target) return refuse("needs a constant shape");
    const auto count = element_count(dimensions);
    if (!count) return refuse("the shape before is not known");
    const bool zero_is_zero = arguments.node.integer("allowzero", 0) != 0;
    std::int64_t known = 1;
    std::int64_t* open = nullptr;
    for (std::size_t axis = 0; axis < target->size(); ++axis) {
        std::int64_t& extent = (*target)[axis];
        if (extent == 0 && !zero_is_zero) {
            if (axis >= dimensions.size()) return refuse("a 0 in the new shape copies nothing");
            extent = dimensions[axis];
        }
        if (extent == -1 && open == nullptr) {
            open = &extent;
        } else if (extent < 0 || __builtin_mul_overflow(known, extent, &known)) {
            return refuse("the new shape has a dimension out of range");
        }
    }
    if (open != nullptr) {
        if (known == 0 || *count % known != 0) {
            return refuse("the open dimension (-1) of the new shape cannot be resolved");
        }
        *open = *count / known;
    } else if (known != *count) {
        return refuse("the new shape has another number of elements");
    }
    return std::move(*target);
}

DimensionsResult squeezed_dimensions(const NodeArguments& arguments, const Dimensions& dimensions) {
    const auto given = arguments.integers("axes", 1);
    if (!given && arguments.has(1)) return refuse("axes must be constant");
    Dimensions kept;
    if (!given) {
        std::ranges::copy_if(dimensions, std::back_inserter(kept), [](auto d) { return d != 1; });
        return kept;
    }
    const auto axes = plain_axes(*given, dimensions.size());
    if (!axes) return tl::unexpected(axes.error());
    for (std::size_t axis = 0; axis < dimensions.size(); ++axis) {
        if (std::ranges::find(*axes, axis) == axes->end()) {
            kept.push_back(dimensions[axis]);
        } else if (dimensions[axis] != 1) {
            return refuse("axis " + std::to_string(axis) + " is not 1");
        }
    }
    return kept;
}

DimensionsResult unsqueezed_dimensions(const NodeArguments& arguments,
                                       const Dimensions& dimensions) {
    const auto given = arguments.integers("axes", 1);
    if (!given) return refuse("needs constant axes");
    const auto axes = plain_axes(*given, dimensions.size() + given->size());
    if (!axes) return tl::unexpected(axes.error());
    Dimensions wider = dimensions;
    for (const std::size_t axis : *axes) {
        wider.insert(wider.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    }
    return wider;
}

}  // namespace tamis::engine
