// Pooling of images: where channels lie in blocks, one block of one pixel per register; of
// row-major ones, neighbouring results where windows move by one pixel.
#include <cmath>
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

bool is_maximum(const ImagePoolPlan& plan) { return plan.kind == ImagePoolPlan::Kind::max; }

Vector nothing_yet(const ImagePoolPlan& plan) {
    return hn::Set(Tag(), is_maximum(plan) ? -std::numeric_limits<float>::infinity() : 0.F);
}

Vector joined(const ImagePoolPlan& plan, Vector result, Vector value) {
    return is_maximum(plan) ? largest(result, value) : hn::Add(result, value);
}

// What an average is divided by.
float window_size(const ImagePoolPlan& plan, const Range& rows, const Range& pixels) {
    const std::size_t count = plan.kind == ImagePoolPlan::Kind::average_with_padding
                                  ? plan.kernel_height * plan.kernel_width
                                  : rows.size() * pixels.size();
    return static_cast<float>(count);
}

// One vector of results: of the windows that start at `first` and at its neighbours in memory.
Vector pooled(const ImagePoolPlan& plan, const float* first, const Range& rows,
              const Range& pixels) {
    const Tag tag;
    Vector result = nothing_yet(plan);
    for (std::size_t y = rows.first; y < rows.last; ++y) {
        for (std::size_t x = pixels.first; x < pixels.last; ++x) {
            result = joined(plan, result,
                            hn::LoadU(tag, first + y * plan.source.row + x * plan.source.pixel));
        }
    }
    if (is_maximum(plan)) return result;
    return hn::Div(result, hn::Set(tag, window_size(plan, rows, pixels)));
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

// One window of a row-major plane, value by value in their order: a model that takes the small
// difference of two such sums was trained with oneDNN's, which are these.
float pooled_window(const ImagePoolPlan& plan, const float* plane, const Range& rows,
                    const Range& pixels) {
    const bool maximum = is_maximum(plan);
    float result = maximum ? -std::numeric_limits<float>::infinity() : 0.F;
    for (std::size_t y = rows.first; y < rows.last; ++y) {
        for (std::size_t x = pixels.first; x < pixels.last; ++x) {
            const float value = plane[y * plan.source.row + x];
            if (!maximum) {
                result += value;
            } else if (!(result >= value) && !std::isnan(result)) {
                result = value;
            }
        }
    }
    return maximum ? result : result / window_size(plan, rows, pixels);
}

void pool_row(const ImagePoolPlan& plan, const float* plane, const Range& rows, float* to) {
    // Windows that lie inside along x and move by one pixel.
    const std::size_t inside =
        plan.stride_x == 1 ? HWY_MIN(plan.out_width,
                                     plan.width + plan.pad_left -
                                         HWY_MIN(plan.width + plan.pad_left, plan.kernel_width - 1))
                           : 0;
    std::size_t x = 0;
    while (x < plan.out_width) {
        if (x >= plan.pad_left && x + kLanes <= inside) {
            const Range first(0, plan.kernel_width, 0, plan.kernel_width);
            hn::StoreU(pooled(plan, plane + x - plan.pad_left, rows, first), Tag(), to + x);
            x += kLanes;
            continue;
        }
        const Range pixels(x * plan.stride_x, plan.kernel_width, plan.pad_left, plan.width);
        to[x++] = pooled_window(plan, plane, rows, pixels);
    }
}

void pool_plane(const ImagePoolPlan& plan, const float* plane, float* to) {
    for (std::size_t y = 0; y < plan.out_height; ++y) {
        const Range rows(y * plan.stride_y, plan.kernel_height, plan.pad_top, plan.height);
        pool_row(plan, plane, rows, to + y * plan.destination.row);
    }
}

void pool_planes(const ImagePoolPlan& plan, const float* source, float* destination,
                 std::size_t images) {
    for (std::size_t image = 0; image < images; ++image) {
        for (std::size_t channel = 0; channel < plan.channels; ++channel) {
            pool_plane(
                plan, source + image * plan.source.image + channel * plan.source.channel,
                destination + image * plan.destination.image + channel * plan.destination.channel);
        }
    }
}

void pool(const ImagePoolPlan& plan, const float* source, float* destination, std::size_t images) {
    if (!plan.source.blocked) return pool_planes(plan, source, destination, images);
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
