#include "engine/relu_kernel.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/relu_kernel.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void backward(const float* result, const float* after, float negative_slope, std::size_t count,
              float* before) {
    const auto at = [&](auto d, std::size_t i) {
        const auto gradient = hn::LoadU(d, after + i);
        const auto is_positive = hn::Gt(hn::LoadU(d, result + i), hn::Zero(d));
        const auto other = hn::Mul(hn::Set(d, negative_slope), gradient);
        hn::StoreU(hn::IfThenElse(is_positive, gradient, other), d, before + i);
    };
    const hn::ScalableTag<float> full;
    std::size_t i = 0;
    for (; i + hn::Lanes(full) <= count; i += hn::Lanes(full)) at(full, i);
    for (; i < count; ++i) at(hn::CappedTag<float, 1>(), i);
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(backward);

void relu_backward(const float* result, const float* after, float negative_slope, std::size_t count,
                   float* before) noexcept {
    HWY_DYNAMIC_DISPATCH(backward)(result, after, negative_slope, count, before);
}

}  // namespace tamis::engine
#endif
