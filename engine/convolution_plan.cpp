#include "engine/convolution_plan.hpp"

namespace tamis::engine {

namespace {

// A pass of Winograd's: as many images as this many floats of transformed tiles and products, but
// no fewer than have these tiles, over which the weights are read once. Measured on images of 8x8
// and 16x16, 16 to 128 channels, with 2 MB (AVX-512) and 512 KiB of second-level cache.
struct PassSize {
    std::size_t floats;
    std::size_t tiles;
};
constexpr PassSize kPassAvx512{std::size_t{128} << 10, 24};
constexpr PassSize kPass{std::size_t{32} << 10, 16};
constexpr std::size_t kMostImages = 16;
constexpr std::size_t kLineFloats = 16;

std::size_t divided(std::size_t count, std::size_t by) { return (count + by - 1) / by; }

// A multiple of cache lines, and an odd one: planes at strides of a power of two share few sets of
// the first-level cache, which costs a factor 2.
std::size_t odd_lines(std::size_t floats) {
    return (divided(floats, kLineFloats) | 1U) * kLineFloats;
}

ConvolutionPlan plan_of(const ConvolutionGeometry& geometry, const ConvolutionTail& tail,
                        const ImageLayout& source, const ImageLayout& destination,
                        const VectorUnit& unit) {
    ConvolutionPlan plan;
    plan.geometry = geometry;
    plan.tail = tail;
    plan.source = source;
    plan.destination = destination;
    plan.lanes = unit.lanes;
    plan.widest_group = unit.registers >= 32 ? 4 : 2;
    return plan;
}

}  // namespace

std::size_t winograd_tile_rows(const ConvolutionGeometry& geometry) {
    return divided(geometry.out_height, winograd_tile(geometry));
}

std::size_t winograd_tile_columns(const ConvolutionGeometry& geometry) {
    return divided(geometry.out_width, winograd_tile(geometry));
}

bool winograd_supports(const ConvolutionGeometry& geometry) {
    return geometry.kernel_height == geometry.kernel_width && geometry.kernel_height >= 3 &&
           geometry.kernel_height <= 5;
}

bool winograd_pools(const ConvolutionGeometry& geometry) {
    return winograd_tile(geometry) % 2 == 0;
}

ConvolutionPlan plan_winograd(const ConvolutionGeometry& geometry, const ConvolutionTail& tail,
                              const ImageLayout& source, const ImageLayout& destination,
                              const VectorUnit& unit, std::size_t most_images) {
    ConvolutionPlan plan = plan_of(geometry, tail, source, destination, unit);
    const std::size_t inputs = plan.channel_blocks() * plan.lanes;
    const std::size_t outputs =
        std::min(plan.filter_blocks() * plan.lanes, std::max(kWinogradSlab, plan.lanes));
    const PassSize size = unit.lanes >= 16 ? kPassAvx512 : kPass;
    const std::size_t columns = winograd_tile_columns(geometry);
    const std::size_t rows =
        std::max({size.floats / (kWinogradPlanes * (inputs + outputs) * columns),
                  size.tiles / columns, std::size_t{1}});
    plan.tile_rows = std::min(rows, winograd_tile_rows(geometry));
    plan.images = std::clamp<std::size_t>(rows / winograd_tile_rows(geometry), 1,
                                          std::min(kMostImages, most_images));
    const std::size_t tiles = plan.images * plan.tile_rows * columns;
    plan.input_plane = odd_lines(tiles * inputs);
    plan.output_plane = odd_lines(tiles * outputs);
    plan.workspace = kWinogradPlanes * (plan.input_plane + plan.output_plane);
    if (!source.blocked) {
        plan.staged =
            odd_lines(plan.channel_blocks() * plan.lanes * geometry.height * geometry.width);
    }
    return plan;
}

ConvolutionPlan plan_direct(const ConvolutionGeometry& geometry, const ConvolutionTail& tail,
                            const ImageLayout& source, const ImageLayout& destination,
                            const VectorUnit& unit) {
    ConvolutionPlan plan = plan_of(geometry, tail, source, destination, unit);
    // The image with its padding, channel by channel.
    plan.staged = odd_lines(geometry.channels * (geometry.out_height + geometry.kernel_height - 1) *
                            (geometry.out_width + geometry.kernel_width - 1));
    return plan;
}

ImageLayout blocked_layout(std::size_t channels, std::size_t height, std::size_t width,
                           std::size_t lanes) {
    const std::size_t plane = height * width * lanes;
    return {true, divided(channels, lanes) * plane, plane, width * lanes, lanes};
}

ImageLayout row_major_layout(std::size_t channels, std::size_t height, std::size_t width) {
    return {false, channels * height * width, height * width, width, 1};
}

}  // namespace tamis::engine
