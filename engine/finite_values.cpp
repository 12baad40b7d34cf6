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
    // 0 times a value is 0 or -0, or NaN where the value is NaN or Inf; and any of them with NaN is
    // NaN. (An Or takes one cycle, a sum four: the outputs are looked at when all else is done.)
    const auto zero = hn::Zero(tag);
    const auto trace = [&](std::size_t at) { return hn::Mul(zero, hn::LoadU(tag, values + at)); };
    auto first = zero;
    auto second = zero;
    std::size_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        first = hn::Or(first, trace(i));
        second = hn::Or(second, trace(i + lanes));
    }
    if (i + lanes <= count) first = hn::Or(first, trace(i));
    // The last ones, some of them for the second time.
    second = hn::Or(second, trace(count - lanes));
    return hn::AllTrue(tag, hn::Eq(hn::Or(first, second), zero));
}

HWY_INLINE bool values_are_finite(const float* values, std::size_t count) {
    constexpr hn::ScalableTag<float> kWide;
    constexpr hn::CappedTag<float, 4> kNarrow;
    if (count >= hn::Lanes(kWide)) return vectors_are_finite(kWide, values, count);
    if (count >= hn::Lanes(kNarrow)) return vectors_are_finite(kNarrow, values, count);
    return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

bool rows_are_finite(std::span<const RowValues> of, std::size_t first, std::size_t rows) {
    bool is_finite = true;
    for (const auto& [values, row_size] : of) {
        is_finite &= values_are_finite(values + first * row_size, rows * row_size);
    }
    return is_finite;
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(rows_are_finite);

bool all_finite(std::span<const float> values) noexcept {
    const RowValues all{values.data(), values.size()};
    return finite_check()({&all, 1}, 0, 1);
}

FiniteCheck finite_check() noexcept { return HWY_DYNAMIC_DISPATCH(rows_are_finite); }

}  // namespace tamis::engine
#endif
