// What a convolution kernel of ours is told: shapes, layouts, what follows the sum, and the sizes
// of its working memory. Plain data, made where a network is compiled.
#pragma once

#include <algorithm>
#include <cstddef>

#include "engine/vector_unit.hpp"

namespace tamis::engine {

// One stride-1 convolution in two dimensions; out_*: before pooling.
struct ConvolutionGeometry {
    std::size_t channels = 1, height = 1, width = 1;
    std::size_t filters = 1, out_height = 1, out_width = 1;
    std::size_t kernel_height = 3, kernel_width = 3;
    std::size_t pad_top = 0, pad_left = 0;
};

// Where a value (image, channel, y, x) is. Blocked: channels in groups of a register's lanes, which
// lie side by side (oneDNN's nChw8c, nChw16c); `channel` is then the stride of a group. Else
// `channel` is the stride of one channel, and any strides will do.
struct ImageLayout {
    bool blocked = false;
    std::size_t image = 0, channel = 0, row = 0, pixel = 0;  // strides in floats
};

// What follows the sum of products and the bias: max(v, v * slope), which is ReLU (0), LeakyReLU
// or nothing (1); then v * scale + shift by channel; then 2x2 pooling in steps of 2.
struct ConvolutionTail {
    enum class Pool { none, max, average } pool = Pool::none;
    float slope = 1.F;
    bool affine = false;
};

inline constexpr std::size_t kWinogradFewTiles = 4;

struct ConvolutionPlan {
    ConvolutionGeometry geometry;
    ConvolutionTail tail;
    ImageLayout source;
    ImageLayout destination;
    std::size_t lanes = 4;
    std::size_t widest_group = 2;  // blocks of filters summed at once

    // Working memory in floats: the copy of one image in the layout the kernel reads, and then
    // what the kernel makes of it.
    std::size_t staged = 0;
    std::size_t workspace = 0;

    // Winograd: images per pass, or rows of tiles where one image is more than a pass; strides
    // between the 36 planes of transformed tiles.
    std::size_t images = 1;
    std::size_t tile_rows = 1;
    std::size_t input_plane = 0;
    std::size_t output_plane = 0;

    [[nodiscard]] std::size_t channel_blocks() const { return blocks_of(geometry.channels); }
    [[nodiscard]] std::size_t filter_blocks() const { return blocks_of(geometry.filters); }
    [[nodiscard]] std::size_t scratch_floats() const { return staged + workspace; }

    // Whether a pass of so many tiles transforms the weights as it goes: with few, waiting for the
    // transformed ones, four times as many, would take longer. A question of registers, too.
    [[nodiscard]] bool transforms_taps(std::size_t tiles) const {
        return widest_group >= 4 && geometry.kernel_height == 3 && tiles <= kWinogradFewTiles;
    }
    // Filters are summed in groups of 4, 2 and 1 blocks, the widest first.
    [[nodiscard]] std::size_t group(std::size_t blocks_left) const {
        if (widest_group >= 4 && blocks_left >= 4) return 4;
        return std::min<std::size_t>(blocks_left, 2);
    }

 private:
    [[nodiscard]] std::size_t blocks_of(std::size_t count) const {
        return (count + lanes - 1) / lanes;
    }
};

// Tiles of Winograd's transform are 6x6 whatever the kernel: F(4x4,3x3), F(3x3,4x4), F(2x2,5x5).
inline constexpr std::size_t kWinogradWindow = 6;
inline constexpr std::size_t kWinogradPlanes = kWinogradWindow * kWinogradWindow;
// The transform's points are 0, +-p, +-q and infinity. These lose least to rounding: a fifth of the
// usual 1 and 2. Their squares and the squares' product are exact.
inline constexpr float kWinogradPointP = 0.625F;
inline constexpr float kWinogradPointQ = 1.5F;
// Filters whose products are kept at a time.
inline constexpr std::size_t kWinogradSlab = 32;

[[nodiscard]] inline std::size_t winograd_tile(const ConvolutionGeometry& geometry) {
    return kWinogradWindow + 1 - geometry.kernel_height;
}
// Of one image.
[[nodiscard]] std::size_t winograd_tile_rows(const ConvolutionGeometry& geometry);
[[nodiscard]] std::size_t winograd_tile_columns(const ConvolutionGeometry& geometry);
[[nodiscard]] inline std::size_t winograd_tiles(const ConvolutionGeometry& geometry) {
    return winograd_tile_rows(geometry) * winograd_tile_columns(geometry);
}
// Kernels 3x3, 4x4 and 5x5.
[[nodiscard]] bool winograd_supports(const ConvolutionGeometry& geometry);
// Whether the tiles hold whole 2x2 windows.
[[nodiscard]] bool winograd_pools(const ConvolutionGeometry& geometry);

// most_images: of a call.
[[nodiscard]] ConvolutionPlan plan_winograd(const ConvolutionGeometry& geometry,
                                            const ConvolutionTail& tail, const ImageLayout& source,
                                            const ImageLayout& destination, const VectorUnit& unit,
                                            std::size_t most_images);
[[nodiscard]] ConvolutionPlan plan_direct(const ConvolutionGeometry& geometry,
                                          const ConvolutionTail& tail, const ImageLayout& source,
                                          const ImageLayout& destination, const VectorUnit& unit);

// Layouts of images [channels, height, width].
[[nodiscard]] ImageLayout blocked_layout(std::size_t channels, std::size_t height,
                                         std::size_t width, std::size_t lanes);
[[nodiscard]] ImageLayout row_major_layout(std::size_t channels, std::size_t height,
                                           std::size_t width);

// Pooling by any window that has a pixel inside the image everywhere: of blocked images into any
// layout, or of row-major ones into row-major ones.
struct ImagePoolPlan {
    enum class Kind { max, average_of_inside, average_with_padding } kind = Kind::max;
    std::size_t channels = 1, height = 1, width = 1, out_height = 1, out_width = 1;
    std::size_t kernel_height = 2, kernel_width = 2, stride_y = 2, stride_x = 2;
    std::size_t pad_top = 0, pad_left = 0;
    ImageLayout source;
    ImageLayout destination;
};

}  // namespace tamis::engine
