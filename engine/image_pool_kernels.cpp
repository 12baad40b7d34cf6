// Pooling of images whose channels lie in blocks: one block of one pixel per register.
#include <limits>

#include "engine/convolution_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/image_pool_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "engine/convolution_store.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

// The part of a window that lies inside the image, along one axis.
struct Range {
    Range(std::size_t place, std::size_t kernel, std::size_t pad, std::size_t extent)
        : first(HWY_MAX(place, pad) - pad), last(HWY_MIN(place + kernel, extent + pad) - pad) {}
    std::size_t first, last;
    [[nodiscard]] std::size_t size() const { return last - first; }
};

Vector pooled(const ImagePoolPlan& plan, const float* block, const Range& rows,
              const Range& pixels) {
    const Tag tag;
    const bool maximum = plan.kind == ImagePoolPlan::Kind::max;
    Vector result = maximum ? hn::Set(tag, -std::numeric_limits<float>::infinity()) : hn::Zero(tag);
    for (std::size_t y = rows.first; y < rows.last; ++y) {
        for (std::size_t x = pixels.first; x < pixels.last; ++x) {
            const Vector value = hn::Load(tag, block + y * plan.source.row + x * plan.source.pixel);
            result = maximum ? largest(result, value) : hn::Add(result, value);
        }
    }
    if (maximum) return result;
    const std::size_t count = plan.kind == ImagePoolPlan::Kind::average_of_inside
                                  ? rows.size() * pixels.size()
                                  : plan.kernel_height * plan.kernel_width;
    return hn::Div(result, hn::Set(tag, static_cast<float>(count)));
}

void pool_block(const ImagePoolPlan& plan, std::size_t block, const float* from, float* to) {
    for (std::size_t y = 0; y < plan.out_height; ++y) {
        const Range rows(y * plan.stride_y, plan.kernel_height, plan.pad_top, plan.height);
        for (std::size_t x = 0; x < plan.out_width; ++x) {
            const Range pixels(x * plan.stride_x, plan.kernel_width, plan.pad_left, plan.width);
            store_pixel(plan.destination, to, plan.channels, block,
                        y * plan.destination.row + x * plan.destination.pixel,
                        pooled(plan, from, rows, pixels));
        }
    }
}

void pool(const ImagePoolPlan& plan, const float* source, float* destination, std::size_t images) {
    const std::size_t blocks = (plan.channels + kLanes - 1) / kLanes;
    for (std::size_t image = 0; image < images; ++image) {
        for (std::size_t block = 0; block < blocks; ++block) {
            pool_block(plan, block,
                       source + image * plan.source.image + block * plan.source.channel,
                       destination + image * plan.destination.image);
        }
    }
}

ImagePoolKernel choose_pool() { return pool; }

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {
HWY_EXPORT(choose_pool);

ImagePoolKernel image_pool_kernel() { return HWY_DYNAMIC_DISPATCH(choose_pool)(); }

}  // namespace tamis::engine
#endif
