#include "engine/window.hpp"

#include <algorithm>

namespace tamis::engine {

std::int64_t Window::output_extent(std::size_t axis, std::int64_t input_extent) const {
    const std::int64_t reach = dilations[axis] * (kernel[axis] - 1) + 1;
    const std::int64_t room = input_extent + pads_begin[axis] + pads_end[axis] - reach;
    return room < 0 ? 0 : room / strides[axis] + 1;
}

bool Window::is_dilated() const {
    return std::ranges::any_of(dilations, [](std::int64_t dilation) { return dilation != 1; });
}

tl::expected<Window, std::string> read_window(const Node& node, std::size_t spatial_rank) {
    Window window;
    window.kernel = node.integers("kernel_shape");
    window.strides = node.integers("strides");
    window.dilations = node.integers("dilations");
    std::vector<std::int64_t> pads = node.integers("pads");
    if (window.strides.empty()) window.strides.assign(spatial_rank, 1);
    if (window.dilations.empty()) window.dilations.assign(spatial_rank, 1);
    if (pads.empty()) pads.assign(2 * spatial_rank, 0);
    if (window.kernel.size() != spatial_rank || window.strides.size() != spatial_rank ||
        window.dilations.size() != spatial_rank || pads.size() != 2 * spatial_rank) {
        return tl::unexpected("kernel_shape, strides, dilations and pads do not match " +
                              std::to_string(spatial_rank) + " spatial axes");
    }
    const auto legal = [](std::int64_t low) {
        return [low](std::int64_t value) { return value >= low && value <= kMaxDimension; };
    };
    if (!std::ranges::all_of(window.kernel, legal(1)) ||
        !std::ranges::all_of(window.strides, legal(1)) ||
        !std::ranges::all_of(window.dilations, legal(1)) || !std::ranges::all_of(pads, legal(0))) {
        return tl::unexpected(
            std::string("kernel_shape, strides, dilations or pads out of range; kernel, stride and "
                        "dilation lie in 1..65536, pads in 0..65536"));
    }
    const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(spatial_rank);
    window.pads_begin.assign(pads.begin(), middle);
    window.pads_end.assign(middle, pads.end());
    for (std::size_t axis = 0; axis < spatial_rank; ++axis) {
        const std::int64_t reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
        if (window.pads_begin[axis] >= reach || window.pads_end[axis] >= reach) {
            return tl::unexpected(
                std::string("padding as wide as the window; pads must be smaller"));
        }
    }
    return window;
}

tl::expected<Shape, std::string> windowed_shape(const Window& window, const Shape& input,
                                                std::int64_t channels) {
    std::vector<std::int64_t> dimensions{channels};
    for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
        const std::int64_t extent = window.output_extent(axis, input[axis + 1]);
        if (extent < 1) {
            return tl::unexpected("the window does not fit into an input row of shape " +
                                  input.text());
        }
        dimensions.push_back(extent);
    }
    return Shape::make(dimensions);
}

}  // namespace tamis::engine
