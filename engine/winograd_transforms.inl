// Winograd's transforms: windows of the image into 36 planes, products back into tiles. Compiled
// once per instruction set, inside winograd_kernels.cpp.
#if defined(TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL
#undef TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL
#else
#define TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL
#endif

#include <hwy/highway.h>

#include <span>

#include "engine/convolution_store.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

constexpr std::size_t kWindow = kWinogradWindow;
constexpr std::size_t kPlanes = kWinogradPlanes;

// Part of a call: these rows of tiles of these images. Tiles lie one after another in every plane.
struct Pass {
    std::size_t first = 0;
    std::size_t images = 0;
    std::size_t first_row = 0;
    std::size_t rows = 0;
    std::size_t tiles = 0;            // of all images
    std::span<const float> upcoming;  // what is read after the pass
    // Strides of transformed windows: between planes of a row, rows, and blocks of channels.
    std::size_t plane = 0;
    std::size_t row = 0;
    std::size_t block = 0;
};

// B^T: the points 0, +-p, +-q and infinity, along one line of a window.
HWY_INLINE void transform_line(const Vector (&in)[kWindow], Vector (&out)[kWindow]) {
    const Tag tag;
    constexpr float kP = kWinogradPointP;
    constexpr float kQ = kWinogradPointQ;
    const Vector p2 = hn::Set(tag, kP * kP);
    const Vector q2 = hn::Set(tag, kQ * kQ);
    const Vector product = hn::Set(tag, kP * kP * kQ * kQ);
    const Vector sum = hn::Set(tag, kP * kP + kQ * kQ);
    const Vector even_p = hn::NegMulAdd(q2, in[2], in[4]);
    const Vector odd_p = hn::NegMulAdd(q2, in[1], in[3]);
    const Vector even_q = hn::NegMulAdd(p2, in[2], in[4]);
    const Vector odd_q = hn::NegMulAdd(p2, in[1], in[3]);
    out[0] = hn::MulAdd(product, in[0], hn::NegMulAdd(sum, in[2], in[4]));
    out[1] = hn::MulAdd(hn::Set(tag, kP), odd_p, even_p);
    out[2] = hn::NegMulAdd(hn::Set(tag, kP), odd_p, even_p);
    out[3] = hn::MulAdd(hn::Set(tag, kQ), odd_q, even_q);
    out[4] = hn::NegMulAdd(hn::Set(tag, kQ), odd_q, even_q);
    out[5] = hn::MulAdd(product, in[1], hn::NegMulAdd(sum, in[3], in[5]));
}

// A^T: kTile results of one line of products, with the factors that the transformed weights lack
// (one over a point's distances to the others) times the distances of p.
constexpr double kDistances =
    2.0 * kWinogradPointP * kWinogradPointP *
    (kWinogradPointP * kWinogradPointP - kWinogradPointQ * kWinogradPointQ);
constexpr auto kRestored = static_cast<float>(1.0 / (kDistances * kDistances));  // both lines

template <std::size_t kTile>
HWY_INLINE void restore_line(const Vector (&in)[kWindow], Vector (&out)[kTile]) {
    const Tag tag;
    constexpr double kP2 = kWinogradPointP * kWinogradPointP;
    constexpr double kQ2 = kWinogradPointQ * kWinogradPointQ;
    constexpr auto kOfZero = static_cast<float>(kDistances / (kP2 * kQ2));
    constexpr auto kOfQ = static_cast<float>(kP2 / kQ2);  // with the sign turned
    constexpr auto kOfQOdd = static_cast<float>(kP2 / kWinogradPointQ);
    const Vector p2 = hn::Set(tag, static_cast<float>(kP2));
    const Vector sum_p = hn::Add(in[1], in[2]);
    const Vector sum_q = hn::Add(in[3], in[4]);
    const Vector odd_p = hn::Mul(hn::Set(tag, kWinogradPointP), hn::Sub(in[1], in[2]));
    const Vector odd_q = hn::Sub(in[3], in[4]);
    out[0] =
        hn::MulAdd(hn::Set(tag, kOfZero), in[0], hn::NegMulAdd(hn::Set(tag, kOfQ), sum_q, sum_p));
    out[1] = hn::NegMulAdd(hn::Set(tag, kOfQOdd), odd_q, odd_p);
    if constexpr (kTile > 2) out[2] = hn::Mul(p2, hn::Sub(sum_p, sum_q));
    if constexpr (kTile > 3) {
        out[3] = hn::Mul(p2, hn::NegMulAdd(hn::Set(tag, kWinogradPointQ), odd_q, odd_p));
    }
    out[kTile - 1] =
        hn::MulAdd(hn::Set(tag, static_cast<float>(kDistances)), in[5], out[kTile - 1]);
}

// The nearest place that is inside.
HWY_INLINE std::ptrdiff_t inside_of(std::ptrdiff_t place, std::ptrdiff_t extent) {
    return HWY_MIN(HWY_MAX(place, std::ptrdiff_t{0}), extent - 1);
}

HWY_INLINE hn::Mask<Tag> all_or_none(bool all) {
    const Vector one = hn::Set(Tag(), 1.F);
    return hn::Eq(one, all ? one : hn::Zero(Tag()));
}

// One window of one block of channels into its place in all planes. It may reach over the border.
template <bool kInside>
HWY_INLINE void transform_window(const ConvolutionGeometry& geometry, const float* block,
                                 std::ptrdiff_t top, std::ptrdiff_t left, float* out,
                                 const Pass& pass) {
    const Tag tag;
    const auto height = static_cast<std::ptrdiff_t>(geometry.height);
    const auto width = static_cast<std::ptrdiff_t>(geometry.width);
    const std::size_t row_stride = pass.row;  // no store may change a copy
    const std::size_t plane_stride = pass.plane;
    const float* rows[kWindow];
    hn::Mask<Tag> valid[kWindow];
    for (std::size_t i = 0; i < kWindow; ++i) {
        const std::ptrdiff_t y = top + static_cast<std::ptrdiff_t>(i);
        const std::ptrdiff_t inside = inside_of(y, height);
        rows[i] = block + inside * width * static_cast<std::ptrdiff_t>(kLanes);
        valid[i] = all_or_none(y == inside);
    }
    HWY_ALIGN float half[kPlanes * kLanes];
    Vector in[kWindow];
    Vector transformed[kWindow];
    for (std::size_t j = 0; j < kWindow; ++j) {
        const std::ptrdiff_t x = left + static_cast<std::ptrdiff_t>(j);
        const std::ptrdiff_t inside = kInside ? x : inside_of(x, width);
        const std::ptrdiff_t offset = inside * static_cast<std::ptrdiff_t>(kLanes);
        const hn::Mask<Tag> column = all_or_none(x == inside);
        for (std::size_t i = 0; i < kWindow; ++i) {
            in[i] = hn::Load(tag, rows[i] + offset);
            if (!kInside) in[i] = hn::IfThenElseZero(hn::And(valid[i], column), in[i]);
        }
        transform_line(in, transformed);
        for (std::size_t i = 0; i < kWindow; ++i) {
            hn::Store(transformed[i], tag, half + (i * kWindow + j) * kLanes);
        }
    }
    for (std::size_t i = 0; i < kWindow; ++i) {
        for (std::size_t j = 0; j < kWindow; ++j) {
            in[j] = hn::Load(tag, half + (i * kWindow + j) * kLanes);
        }
        transform_line(in, transformed);
        for (std::size_t j = 0; j < kWindow; ++j) {
            hn::Store(transformed[j], tag, out + i * row_stride + j * plane_stride);
        }
    }
}

// One tile of one block of filters, back to kTile x kTile sums.
template <std::size_t kTile>
HWY_INLINE void restore_tile(const float* products, std::size_t plane, float* sums) {
    const Tag tag;
    HWY_ALIGN float half[kTile * kWindow * kLanes];
    Vector in[kWindow];
    Vector out[kTile];
    for (std::size_t j = 0; j < kWindow; ++j) {
        for (std::size_t i = 0; i < kWindow; ++i) {
            in[i] = hn::Load(tag, products + (i * kWindow + j) * plane);
        }
        restore_line<kTile>(in, out);
        for (std::size_t i = 0; i < kTile; ++i) {
            hn::Store(out[i], tag, half + (i * kWindow + j) * kLanes);
        }
    }
    for (std::size_t i = 0; i < kTile; ++i) {
        for (std::size_t j = 0; j < kWindow; ++j) {
            in[j] = hn::Load(tag, half + (i * kWindow + j) * kLanes);
        }
        restore_line<kTile>(in, out);
        for (std::size_t j = 0; j < kTile; ++j) {
            hn::Store(out[j], tag, sums + (i * kTile + j) * kLanes);
        }
    }
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
