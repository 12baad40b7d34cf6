// Winograd's transform of the weights: of all of them where a network is compiled, and by kernels
// while they run. One code for both: the same bits. Compiled once per instruction set, inside
// winograd_kernels.cpp.
#if defined(TAMIS_ENGINE_WINOGRAD_WEIGHTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TAMIS_ENGINE_WINOGRAD_WEIGHTS_INL
#undef TAMIS_ENGINE_WINOGRAD_WEIGHTS_INL
#else
#define TAMIS_ENGINE_WINOGRAD_WEIGHTS_INL
#endif

#include <hwy/highway.h>

#include "engine/winograd_transforms.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

// A line of taps as a polynomial at a point of the transform: at the point and at its negative the
// even powers are the same, the odd ones change their sign. Without the usual factors (the way back
// has them). Squares of the points and their products are exact.
template <std::size_t kExtent>
HWY_INLINE Vector even_powers(const Vector (&taps)[kExtent], float point) {
    const Tag tag;
    const float square = point * point;
    const Vector even = hn::MulAdd(hn::Set(tag, square), taps[2], taps[0]);
    if constexpr (kExtent == 5) return hn::MulAdd(hn::Set(tag, square * square), taps[4], even);
    return even;
}

template <std::size_t kExtent>
HWY_INLINE Vector odd_powers(const Vector (&taps)[kExtent], float point) {
    if constexpr (kExtent == 3) return taps[1];
    return hn::MulAdd(hn::Set(Tag(), point * point), taps[kExtent == 3 ? 1 : 3], taps[1]);
}

// use(point, value) as soon as a value is there: few are held at a time.
template <std::size_t kExtent, typename Use>
HWY_INLINE void at_points(const Vector (&taps)[kExtent], const Use& use) {
    const Tag tag;
    const Vector p = hn::Set(tag, kWinogradPointP);
    const Vector q = hn::Set(tag, kWinogradPointQ);
    use(0, taps[0]);
    use(5, taps[kExtent - 1]);
    const Vector even_p = even_powers(taps, kWinogradPointP);
    const Vector even_q = even_powers(taps, kWinogradPointQ);
    const Vector odd_p = odd_powers(taps, kWinogradPointP);
    use(1, hn::MulAdd(p, odd_p, even_p));
    use(2, hn::NegMulAdd(p, odd_p, even_p));
    const Vector odd_q = odd_powers(taps, kWinogradPointQ);
    use(3, hn::MulAdd(q, odd_q, even_q));
    use(4, hn::NegMulAdd(q, odd_q, even_q));
}

template <std::size_t kPoint, std::size_t kExtent>
HWY_INLINE Vector at_point(const Vector (&taps)[kExtent]) {
    if constexpr (kPoint == 0) return taps[0];
    if constexpr (kPoint == 5) return taps[kExtent - 1];
    constexpr float kValue = kPoint < 3 ? kWinogradPointP : kWinogradPointQ;
    const Vector value = hn::Set(Tag(), kValue);
    if constexpr (kPoint % 2 == 1) {
        return hn::MulAdd(value, odd_powers(taps, kValue), even_powers(taps, kValue));
    }
    return hn::NegMulAdd(value, odd_powers(taps, kValue), even_powers(taps, kValue));
}

// Row kRow of the transform of one filter block and channel: along y, then along x.
template <std::size_t kExtent, std::size_t kRow, typename Use>
HWY_INLINE void transform_taps(const float* taps, const Use& use) {
    const Tag tag;
    Vector line[kExtent];
    for (std::size_t x = 0; x < kExtent; ++x) {
        Vector column[kExtent];
        for (std::size_t y = 0; y < kExtent; ++y) {
            column[y] = hn::Load(tag, taps + (y * kExtent + x) * kLanes);
        }
        line[x] = at_point<kRow>(column);
    }
    at_points(line, use);
}

// Six planes of a group of filter blocks. taps: of its first block; weights: where the group's part
// of the row's first plane starts.
template <std::size_t kExtent, std::size_t kRow>
void transform_row(const ConvolutionPlan& plan, std::size_t blocks, const float* taps,
                   float* weights, std::size_t plane) {
    constexpr std::size_t kTaps = kExtent * kExtent * kLanes;
    for (std::size_t c = 0; c < plan.geometry.channels; ++c) {
        for (std::size_t block = 0; block < blocks; ++block) {
            float* to = weights + (c * blocks + block) * kLanes;
            transform_taps<kExtent, kRow>(taps + (block * plan.geometry.channels + c) * kTaps,
                                          [&](std::size_t j, Vector value) {
                                              hn::Store(value, Tag(),
                                                        to + (kRow * kWindow + j) * plane);
                                          });
        }
    }
}

// In the order the products read them: by slab of filters, plane, group of filter blocks, channel.
template <std::size_t kExtent>
void transform_weights(const ConvolutionPlan& plan, const float* taps, float* weights) {
    const std::size_t block_floats = plan.geometry.channels * kLanes;
    constexpr std::size_t kSlabBlocks = HWY_MAX(kWinogradSlab / kLanes, 1);
    for (std::size_t first = 0; first < plan.filter_blocks(); first += kSlabBlocks) {
        const std::size_t blocks = HWY_MIN(kSlabBlocks, plan.filter_blocks() - first);
        const std::size_t plane = blocks * block_floats;
        for (std::size_t block = 0; block < blocks;) {
            const std::size_t group = plan.group(blocks - block);
            float* to = weights + block * block_floats;
            transform_row<kExtent, 0>(plan, group, taps, to, plane);
            transform_row<kExtent, 1>(plan, group, taps, to, plane);
            transform_row<kExtent, 2>(plan, group, taps, to, plane);
            transform_row<kExtent, 3>(plan, group, taps, to, plane);
            transform_row<kExtent, 4>(plan, group, taps, to, plane);
            transform_row<kExtent, 5>(plan, group, taps, to, plane);
            taps += group * block_floats * kExtent * kExtent;
            block += group;
        }
        weights += kPlanes * plane;
    }
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
