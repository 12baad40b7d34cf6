#include "engine/int8_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/int8_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Integers = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<std::uint8_t, Floats>;

void integers_of(const float* values, std::uint8_t* integers, std::size_t count, float factor,
                 float shift) {
    const Floats floats;
    const std::size_t lanes = hn::Lanes(floats);
    const auto zero = hn::Zero(floats);
    const auto largest = hn::Set(floats, 127.F);
    const auto factors = hn::Set(floats, factor);
    const auto shifts = hn::Set(floats, shift);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        auto place = hn::Add(hn::Mul(hn::LoadU(floats, values + i), factors), shifts);
        // A comparison, not a maximum: of NaN that differs between processors.
        place = hn::IfThenElseZero(hn::Gt(place, zero), place);
        place = hn::Min(place, largest);
        hn::StoreU(hn::DemoteTo(Bytes(), hn::ConvertTo(Integers(), place)), Bytes(), integers + i);
    }
    for (; i < count; ++i) {
        const float place = values[i] * factor + shift;
        const float from_below = place > 0.F ? place : 0.F;
        integers[i] = static_cast<std::uint8_t>(
            static_cast<std::int32_t>(from_below < 127.F ? from_below : 127.F));
    }
}

void values_of(const std::int32_t* sums, float* values, std::size_t count,
               const SumScales& scales) {
    const Floats floats;
    const Integers integers;
    const std::size_t lanes = hn::Lanes(floats);
    const auto slope = hn::Set(floats, scales.negative_slope);
    const auto zero = hn::Zero(floats);
    for (std::size_t first = 0; first < count; first += scales.channels) {
        const std::int32_t* from = sums + first;
        float* to = values + first;
        std::size_t channel = 0;
        for (; channel + lanes <= scales.channels; channel += lanes) {
            const auto sum = hn::Sub(hn::LoadU(integers, from + channel),
                                     hn::LoadU(integers, scales.offsets + channel));
            const auto value = hn::Add(
                hn::Mul(hn::ConvertTo(floats, sum), hn::LoadU(floats, scales.scales + channel)),
                hn::LoadU(floats, scales.bias + channel));
            hn::StoreU(hn::IfThenElse(hn::Lt(value, zero), hn::Mul(value, slope), value), floats,
                       to + channel);
        }
        for (; channel < scales.channels; ++channel) {
            const float value = static_cast<float>(from[channel] - scales.offsets[channel]) *
                                    scales.scales[channel] +
                                scales.bias[channel];
            to[channel] = value < 0 ? value * scales.negative_slope : value;
        }
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(integers_of);
HWY_EXPORT(values_of);

void to_integers(const float* values, std::uint8_t* integers, std::size_t count, float factor,
                 float shift) noexcept {
    HWY_DYNAMIC_DISPATCH(integers_of)(values, integers, count, factor, shift);
}

void from_sums(const std::int32_t* sums, float* values, std::size_t count,
               const SumScales& scales) noexcept {
    HWY_DYNAMIC_DISPATCH(values_of)(sums, values, count, scales);
}

}  // namespace tamis::engine
#endif
