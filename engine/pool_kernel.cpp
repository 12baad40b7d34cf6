#include "engine/pool_kernel.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/pool_kernel.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A block is a whole number of these.
using Channels = hn::CappedTag<float, 8>;

// Calls act(offset of the window's first float, offset of the result's) for every vector.
template <class Act>
void for_each_window(const PoolSizes& sizes, const Act& act) {
    const std::size_t row = sizes.out_width * sizes.window_width * sizes.block;
    std::size_t out = 0;
    for (std::size_t line = 0; line < sizes.planes * sizes.out_height; ++line) {
        const std::size_t first = line * sizes.window_height * row;
        for (std::size_t column = 0; column < sizes.out_width; ++column) {
            const std::size_t in = first + column * sizes.window_width * sizes.block;
            for (std::size_t c = 0; c < sizes.block; c += hn::Lanes(Channels())) {
                act(in + c, out + c);
            }
            out += sizes.block;
        }
    }
}

void forward(const PoolSizes& sizes, const float* source, float* result) {
    const Channels d;
    const std::size_t row = sizes.out_width * sizes.window_width * sizes.block;
    for_each_window(sizes, [&](std::size_t in, std::size_t out) {
        auto largest = hn::LoadU(d, source + in);
        for (std::size_t i = 0; i < sizes.window_height; ++i) {
            for (std::size_t j = 0; j < sizes.window_width; ++j) {
                const auto value = hn::LoadU(d, source + in + i * row + j * sizes.block);
                largest = hn::IfThenElse(hn::Lt(largest, value), value, largest);
            }
        }
        hn::StoreU(largest, d, result + out);
    });
}

void backward(const PoolSizes& sizes, const float* source, const float* result, const float* after,
              float* before) {
    const Channels d;
    const std::size_t row = sizes.out_width * sizes.window_width * sizes.block;
    for_each_window(sizes, [&](std::size_t in, std::size_t out) {
        const auto largest = hn::LoadU(d, result + out);
        // What is still to be given; 0 once it has been.
        auto gradient = hn::LoadU(d, after + out);
        for (std::size_t i = 0; i < sizes.window_height; ++i) {
            for (std::size_t j = 0; j < sizes.window_width; ++j) {
                const std::size_t at = in + i * row + j * sizes.block;
                const auto is_largest = hn::Eq(hn::LoadU(d, source + at), largest);
                hn::StoreU(hn::IfThenElseZero(is_largest, gradient), d, before + at);
                gradient = hn::IfThenZeroElse(is_largest, gradient);
            }
        }
    });
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(forward);
HWY_EXPORT(backward);

void max_pool_forward(const PoolSizes& sizes, const float* source, float* result) noexcept {
    HWY_DYNAMIC_DISPATCH(forward)(sizes, source, result);
}

void max_pool_backward(const PoolSizes& sizes, const float* source, const float* result,
                       const float* after, float* before) noexcept {
    HWY_DYNAMIC_DISPATCH(backward)(sizes, source, result, after, before);
}

}  // namespace tamis::engine
#endif
