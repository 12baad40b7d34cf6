// all_finite of tensor.hpp: it runs over every input and output of every call, so it is vector code
// (Highway), compiled once per instruction set and chosen at run time.
#include <algorithm>
#include <cmath>

#include "engine/tensor.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/finite_values.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// At least as many values as a vector of D has.
template <class D>
HWY_INLINE bool vectors_are_finite(D tag, const float* values, std::size_t count) {
    const std::size_t lanes = hn::Lanes(tag);
    // 0 times a value is 0, or NaN where the value is NaN or Inf.
    const auto zero = hn::Zero(tag);
    auto first = zero;
    auto second = zero;
    std::size_t i = 0;
    if (count >= 8 * lanes) {
        auto third = zero;
        auto fourth = zero;
        for (; i + 4 * lanes <= count; i += 4 * lanes) {
            first = hn::MulAdd(zero, hn::LoadU(tag, values + i), first);
            second = hn::MulAdd(zero, hn::LoadU(tag, values + i + lanes), second);
            third = hn::MulAdd(zero, hn::LoadU(tag, values + i + 2 * lanes), third);
            fourth = hn::MulAdd(zero, hn::LoadU(tag, values + i + 3 * lanes), fourth);
        }
        first = hn::Add(first, third);
        second = hn::Add(second, fourth);
    }
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        first = hn::MulAdd(zero, hn::LoadU(tag, values + i), first);
        second = hn::MulAdd(zero, hn::LoadU(tag, values + i + lanes), second);
    }
    if (i + lanes <= count) first = hn::MulAdd(zero, hn::LoadU(tag, values + i), first);
    // The last ones, some of them for the second time.
    second = hn::MulAdd(zero, hn::LoadU(tag, values + count - lanes), second);
    return hn::AllTrue(tag, hn::Eq(hn::Add(first, second), zero));
}

bool all_finite_of(const float* values, std::size_t count) {
    constexpr hn::ScalableTag<float> kWide;
    constexpr hn::CappedTag<float, 4> kNarrow;
    if (count >= hn::Lanes(kWide)) return vectors_are_finite(kWide, values, count);
    if (count >= hn::Lanes(kNarrow)) return vectors_are_finite(kNarrow, values, count);
    return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(all_finite_of);

bool all_finite(std::span<const float> values) noexcept {
    return finite_check()(values.data(), values.size());
}

FiniteCheck finite_check() noexcept { return HWY_DYNAMIC_DISPATCH(all_finite_of); }

}  // namespace tamis::engine
#endif
