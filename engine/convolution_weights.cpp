#include "engine/convolution_weights.hpp"

#include <array>
#include <cmath>

namespace tamis::engine {

namespace {

// A line of taps as a polynomial at the transform's points. In float, step by step and without the
// usual factors (the way back has them): a kernel that does it while it runs gives the same bits.
std::array<float, kWinogradWindow> at_points(std::span<const float> taps) {
    std::array<float, kWinogradWindow> values{};
    for (std::size_t i = 0; i < 2; ++i) {
        const float point = i == 0 ? kWinogradPointP : kWinogradPointQ;
        const float square = point * point;
        float even = taps[0];
        float odd = taps[1];
        for (std::size_t k = 2; k < taps.size(); ++k) {
            float& half = k % 2 == 0 ? even : odd;
            half = std::fma(k < 4 ? square : square * square, taps[k], half);
        }
        values[2 * i + 1] = std::fma(point, odd, even);
        values[2 * i + 2] = std::fma(-point, odd, even);
    }
    values.front() = taps.front();
    values.back() = taps.back();
    return values;
}

// The 36 values of one filter and channel: along y, then along x.
std::array<float, kWinogradPlanes> transformed_kernel(std::span<const float> taps,
                                                      std::size_t extent) {
    std::array<std::array<float, kWinogradWindow>, kWinogradWindow> columns{};
    std::array<float, kWinogradWindow> line{};
    for (std::size_t x = 0; x < extent; ++x) {
        for (std::size_t y = 0; y < extent; ++y) line[y] = taps[y * extent + x];
        columns[x] = at_points(std::span(line).first(extent));
    }
    std::array<float, kWinogradPlanes> planes{};
    for (std::size_t y = 0; y < kWinogradWindow; ++y) {
        for (std::size_t x = 0; x < extent; ++x) line[x] = columns[x][y];
        const auto row = at_points(std::span(line).first(extent));
        std::ranges::copy(row, planes.begin() + static_cast<std::ptrdiff_t>(y * kWinogradWindow));
    }
    return planes;
}

// A group of filters [first, first + width), transformed: `packed` is where its first plane starts,
// planes are `plane_floats` apart.
void pack_group(const ConvolutionGeometry& geometry, std::span<const float> kernel,
                std::size_t first, std::size_t width, float* packed, std::size_t plane_floats) {
    const std::size_t extent = geometry.kernel_height;
    const std::size_t taps = extent * extent;
    for (std::size_t k = 0; k < width && first + k < geometry.filters; ++k) {
        for (std::size_t c = 0; c < geometry.channels; ++c) {
            const auto planes = transformed_kernel(
                kernel.subspan(((first + k) * geometry.channels + c) * taps, taps), extent);
            for (std::size_t plane = 0; plane < kWinogradPlanes; ++plane) {
                packed[plane * plane_floats + c * width + k] = planes[plane];
            }
        }
    }
}

}  // namespace

FloatBuffer winograd_weights(const ConvolutionPlan& plan, std::span<const float> kernel) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const std::size_t slab_blocks = std::max<std::size_t>(kWinogradSlab / plan.lanes, 1);
    FloatBuffer packed(kWinogradPlanes * geometry.channels * plan.filter_blocks() * plan.lanes);
    float* at = packed.data();
    for (std::size_t slab = 0; slab < plan.filter_blocks(); slab += slab_blocks) {
        const std::size_t blocks = std::min(slab_blocks, plan.filter_blocks() - slab);
        const std::size_t plane_floats = geometry.channels * blocks * plan.lanes;
        float* group_at = at;
        for (std::size_t block = 0; block < blocks;) {
            const std::size_t group = plan.group(blocks - block);
            pack_group(geometry, kernel, (slab + block) * plan.lanes, group * plan.lanes, group_at,
                       plane_floats);
            group_at += geometry.channels * group * plan.lanes;
            block += group;
        }
        at += kWinogradPlanes * plane_floats;
    }
    return packed;
}

FloatBuffer winograd_taps(const ConvolutionPlan& plan, std::span<const float> kernel) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const std::size_t taps = geometry.kernel_height * geometry.kernel_width;
    FloatBuffer packed(plan.filter_blocks() * geometry.channels * taps * plan.lanes);
    for (std::size_t filter = 0; filter < geometry.filters; ++filter) {
        float* block = packed.data() + filter / plan.lanes * geometry.channels * taps * plan.lanes +
                       filter % plan.lanes;
        for (std::size_t i = 0; i < geometry.channels * taps; ++i) {
            block[i * plan.lanes] = kernel[filter * geometry.channels * taps + i];
        }
    }
    return packed;
}

FloatBuffer direct_weights(const ConvolutionPlan& plan, std::span<const float> kernel) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const std::size_t taps = geometry.channels * geometry.kernel_height * geometry.kernel_width;
    FloatBuffer packed(taps * plan.filter_blocks() * plan.lanes);
    std::size_t start = 0;
    for (std::size_t block = 0; block < plan.filter_blocks();) {
        const std::size_t blocks = plan.group(plan.filter_blocks() - block);
        const std::size_t width = blocks * plan.lanes;
        for (std::size_t k = 0; k < width; ++k) {
            const std::size_t filter = block * plan.lanes + k;
            if (filter >= geometry.filters) break;
            for (std::size_t tap = 0; tap < taps; ++tap) {
                packed[start + tap * width + k] = kernel[filter * taps + tap];
            }
        }
        start += taps * width;
        block += blocks;
    }
    return packed;
}

FloatBuffer tail_values(const ConvolutionPlan& plan, const TailValues& values) {
    const std::size_t padded = plan.filter_blocks() * plan.lanes;
    FloatBuffer packed(3 * padded);
    std::fill_n(packed.begin() + static_cast<std::ptrdiff_t>(padded), padded, 1.F);
    std::ranges::copy(values.bias, packed.begin());
    for (std::size_t k = 0; k < values.scale.size(); ++k) {
        packed[padded + k] = static_cast<float>(values.scale[k]);
        packed[2 * padded + k] = static_cast<float>(values.shift[k]);
    }
    return packed;
}

}  // namespace tamis::engine
