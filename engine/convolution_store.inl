// How our convolutions finish a vector of sums and put it into the image. Compiled once per
// instruction set, inside the kernels' files.
#if defined(TAMIS_ENGINE_CONVOLUTION_STORE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TAMIS_ENGINE_CONVOLUTION_STORE_INL
#undef TAMIS_ENGINE_CONVOLUTION_STORE_INL
#else
#define TAMIS_ENGINE_CONVOLUTION_STORE_INL
#endif

#include <hwy/highway.h>

#include "engine/convolution_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Tag>;
constexpr std::size_t kLanes = hn::MaxLanes(Tag());
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;  // 32, not 16

// The larger one, or NaN where one is NaN: a row that holds one is reported, never scored as
// normal.
HWY_INLINE Vector largest(Vector a, Vector b) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
    return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b));  // of a NaN and a number the second one
#else
    return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::Ge(a, b)), a, b);
#endif
}

// Adds one channel (or tap): kRows values, kStride apart, times the weights of kBlocks blocks.
template <std::size_t kStride, std::size_t kRows, std::size_t kBlocks>
HWY_INLINE void add_products(const float* values, const float* weights,
                             Vector (&sums)[kRows][kBlocks]) {
    const Tag tag;
    Vector filters[kBlocks];
    for (std::size_t block = 0; block < kBlocks; ++block) {
        filters[block] = hn::Load(tag, weights + block * kLanes);
    }
    for (std::size_t row = 0; row < kRows; ++row) {
        const Vector value = hn::Set(tag, values[row * kStride]);
        for (std::size_t block = 0; block < kBlocks; ++block) {
            sums[row][block] = hn::MulAdd(value, filters[block], sums[row][block]);
        }
    }
}

// Bias, activation, scale and shift of one block of filters. factor: of the sums.
class Finish {
 public:
    Finish(const ConvolutionPlan& plan, const float* tail, std::size_t block, float factor)
        : factor_(hn::Set(Tag(), factor)),
          bias_(hn::Load(Tag(), tail + block * kLanes)),
          scale_(hn::Load(Tag(), tail + (plan.filter_blocks() + block) * kLanes)),
          shift_(hn::Load(Tag(), tail + (2 * plan.filter_blocks() + block) * kLanes)),
          slope_(hn::Set(Tag(), plan.tail.slope)),
          affine_(plan.tail.affine) {}

    HWY_INLINE Vector operator()(Vector sum) const {
        const Vector biased = hn::MulAdd(sum, factor_, bias_);
        const Vector active = hn::Max(hn::Mul(biased, slope_), biased);
        return affine_ ? hn::MulAdd(active, scale_, shift_) : active;
    }

    // Four neighbours to one. Without a scale, which may be negative, everything here is monotone
    // and the maximum can go first; the bits are the same.
    HWY_INLINE Vector pooled(ConvolutionTail::Pool pool, Vector a, Vector b, Vector c,
                             Vector d) const {
        if (pool == ConvolutionTail::Pool::average) {
            const Vector sum =
                hn::Add(hn::Add((*this)(a), (*this)(b)), hn::Add((*this)(c), (*this)(d)));
            return hn::Mul(sum, hn::Set(Tag(), 0.25F));
        }
        if (affine_) {
            return largest(largest((*this)(a), (*this)(b)), largest((*this)(c), (*this)(d)));
        }
        return (*this)(largest(largest(a, b), largest(c, d)));
    }

 private:
    Vector factor_, bias_, scale_, shift_, slope_;
    bool affine_;
};

// One pixel of one block of channels.
HWY_INLINE void store_pixel(const ImageLayout& layout, float* image, std::size_t channels,
                            std::size_t block, std::size_t offset, Vector value) {
    if (layout.blocked) {
        hn::Store(value, Tag(), image + block * layout.channel + offset);
        return;
    }
    HWY_ALIGN float lanes[kLanes];
    hn::Store(value, Tag(), lanes);
    const std::size_t used = HWY_MIN(kLanes, channels - block * kLanes);
    float* at = image + block * kLanes * layout.channel + offset;
    for (std::size_t lane = 0; lane < used; ++lane) at[lane * layout.channel] = lanes[lane];
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
