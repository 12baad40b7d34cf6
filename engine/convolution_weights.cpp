#include "engine/convolution_weights.hpp"

#include <algorithm>

namespace tamis::engine {

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
