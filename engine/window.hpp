// The sliding window of a convolution or pooling: one entry per spatial axis. Plain data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

struct Window {
    std::vector<std::int64_t> kernel;
    std::vector<std::int64_t> strides;
    std::vector<std::int64_t> pads_begin;
    std::vector<std::int64_t> pads_end;
    std::vector<std::int64_t> dilations;  // 1 = dense

    // Extent of the output along one axis of the given input extent; <= 0 when the window does not
    // fit.
    [[nodiscard]] std::int64_t output_extent(std::size_t axis, std::int64_t input_extent) const;
    [[nodiscard]] bool is_dilated() const;
    bool operator==(const Window&) const = default;
};

// Reads kernel_shape, strides, pads and dilations of a node with this many spatial axes. Error:
// missing or senseless values (each kernel, stride and dilation 1..65,536, each pad 0..65,535).
[[nodiscard]] tl::expected<Window, std::string> read_window(const Node& node,
                                                            std::size_t spatial_rank);

// Row shape [channels, ...] after the window. Error: it does not fit.
[[nodiscard]] tl::expected<Shape, std::string> windowed_shape(const Window& window,
                                                              const Shape& input,
                                                              std::int64_t channels);

}  // namespace tamis::engine
