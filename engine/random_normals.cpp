#include "engine/random_normals.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/random_normals.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <gsl/assert>

#include "engine/random.hpp"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Box and Muller: radius from u in (0, 1), angle from v in [0, 1).
void box_muller(const float* u, const float* v, std::size_t count, float* by_cosine,
                float* by_sine) {
    const hn::ScalableTag<float> full;
    const hn::CappedTag<float, 1> single;
    const auto at = [&](auto d, std::size_t i) {
        const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.F), hn::Log(d, hn::LoadU(d, u + i))));
        const auto angle = hn::Mul(hn::Set(d, 6.2831853F), hn::LoadU(d, v + i));
        hn::StoreU(hn::Mul(radius, hn::Cos(d, angle)), d, by_cosine + i);
        hn::StoreU(hn::Mul(radius, hn::Sin(d, angle)), d, by_sine + i);
    };
    std::size_t i = 0;
    for (; i + hn::Lanes(full) <= count; i += hn::Lanes(full)) at(full, i);
    for (; i < count; ++i) at(single, i);
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(box_muller);

void random_normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
                    std::span<float> values) noexcept {
    Expects(first % 4 == 0);
    constexpr std::size_t kPairs = 128;  // at once, on the stack
    std::array<float, kPairs> u{}, v{}, cosines{}, sines{};
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * kPairs) {
        const std::size_t wanted = std::min(2 * kPairs, values.size() - begin);
        const std::size_t blocks = (wanted + 3) / 4;
        for (std::size_t block = 0; block < blocks; ++block) {
            const auto words = random_words(seed, stream, (first + begin) / 4 + block);
            for (std::size_t pair = 0; pair < 2; ++pair) {
                // 23 bits and a half: exact, and never 0.
                u[2 * block + pair] = (static_cast<float>(words[2 * pair] >> 9) + 0.5F) * 0x1p-23F;
                v[2 * block + pair] = static_cast<float>(words[2 * pair + 1] >> 8) * 0x1p-24F;
            }
        }
        HWY_DYNAMIC_DISPATCH(box_muller)
        (u.data(), v.data(), 2 * blocks, cosines.data(), sines.data());
        for (std::size_t i = 0; i < wanted; ++i) {
            values[begin + i] = i % 2 == 0 ? cosines[i / 2] : sines[i / 2];
        }
    }
}

}  // namespace tamis::engine
#endif
