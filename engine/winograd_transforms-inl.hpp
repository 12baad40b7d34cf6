// Winograd's transforms: windows of the image into 36 planes, products back into tiles. Compiled
// once per instruction set, inside winograd_kernels.cpp.
#if defined(TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL
#undef TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL
#else
#define TAMIS_ENGINE_WINOGRAD_TRANSFORMS_INL
#endif

#include <hwy/highway.h>

#include "engine/convolution_store-inl.hpp"

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
    std::size_t tiles = 0;  // of all images
    // Strides of transformed windows: between planes of a row, rows, and blocks of channels.
    std::size_t plane = 0;
    std::size_t row = 0;
    std::size_t block = 0;
};

// B^T of the points 0, 1, -1, 2, -2 and infinity, along one line of a window.
HWY_INLINE void transform_line(const Vector (&in)[kWindow], Vector (&out)[kWindow]) {
    const Tag tag;
    const Vector two = hn::Set(tag, 2.F);
    const Vector four = hn::Set(tag, 4.F);
    const Vector five = hn::Set(tag, 5.F);
    const Vector even = hn::NegMulAdd(four, in[2], in[4]);
    const Vector odd = hn::NegMulAdd(four, in[1], in[3]);
    const Vector near = hn::Sub(in[4], in[2]);
    const Vector far = hn::Sub(in[3], in[1]);
    out[0] = hn::MulAdd(four, in[0], hn::NegMulAdd(five, in[2], in[4]));
    out[1] = hn::Add(even, odd);
    out[2] = hn::Sub(even, odd);
    out[3] = hn::MulAdd(two, far, near);
    out[4] = hn::NegMulAdd(two, far, near);
    out[5] = hn::MulAdd(four, in[1], hn::NegMulAdd(five, in[3], in[5]));
}

// A^T: kTile results of one line of products, 6 times too large with the sign turned. With the
// factors that the transformed weights lack, times -6: -3/2, 1, 1, -1/4, -1/4, -6.
constexpr float kRestored = 1.F / 36.F;  // along both lines

template <std::size_t kTile>
HWY_INLINE void restore_line(const Vector (&in)[kWindow], Vector (&out)[kTile]) {
    const Tag tag;
    const Vector sum1 = hn::Add(in[1], in[2]);
    const Vector difference1 = hn::Sub(in[1], in[2]);
    const Vector sum2 = hn::Add(in[3], in[4]);
    const Vector difference2 = hn::Sub(in[3], in[4]);
    out[0] =
        hn::NegMulAdd(hn::Set(tag, 1.5F), in[0], hn::NegMulAdd(hn::Set(tag, 0.25F), sum2, sum1));
    out[1] = hn::NegMulAdd(hn::Set(tag, 0.5F), difference2, difference1);
    if constexpr (kTile > 2) out[2] = hn::Sub(sum1, sum2);
    if constexpr (kTile > 3) out[3] = hn::NegMulAdd(hn::Set(tag, 2.F), difference2, difference1);
    out[kTile - 1] = hn::NegMulAdd(hn::Set(tag, 6.F), in[5], out[kTile - 1]);
}

// One window of one block of channels into its place in all planes. It may reach over the border.
template <bool kInside>
HWY_INLINE void transform_window(const ConvolutionGeometry& geometry, const float* block,
                                 std::ptrdiff_t top, std::ptrdiff_t left, float* out,
                                 const Pass& pass) {
    const Tag tag;
    const auto height = static_cast<std::ptrdiff_t>(geometry.height);
    const auto width = static_cast<std::ptrdiff_t>(geometry.width);
    const float* rows[kWindow];
    hn::Mask<Tag> valid[kWindow];
    for (std::size_t i = 0; i < kWindow; ++i) {
        const std::ptrdiff_t y = top + static_cast<std::ptrdiff_t>(i);
        const std::ptrdiff_t inside = HWY_MIN(HWY_MAX(y, std::ptrdiff_t{0}), height - 1);
        rows[i] = block + inside * width * static_cast<std::ptrdiff_t>(kLanes);
        const Vector one = hn::Set(tag, 1.F);
        valid[i] = hn::Eq(one, y == inside ? one : hn::Zero(tag));
    }
    HWY_ALIGN float half[kPlanes * kLanes];
    Vector in[kWindow];
    Vector transformed[kWindow];
    for (std::size_t j = 0; j < kWindow; ++j) {
        const std::ptrdiff_t x = left + static_cast<std::ptrdiff_t>(j);
        const bool column = kInside || (x >= 0 && x < width);
        for (std::size_t i = 0; i < kWindow; ++i) {
            if (!column) {
                in[i] = hn::Zero(tag);
            } else if (kInside) {
                in[i] = hn::Load(tag, rows[i] + x * static_cast<std::ptrdiff_t>(kLanes));
            } else {
                in[i] = hn::IfThenElseZero(
                    valid[i], hn::Load(tag, rows[i] + x * static_cast<std::ptrdiff_t>(kLanes)));
            }
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
            hn::Store(transformed[j], tag, out + i * pass.row + j * pass.plane);
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
