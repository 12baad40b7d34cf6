#include "engine/double_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/double_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<double, kDoublePadding>;
using Vector = hn::Vec<Tag>;

constexpr Tag kTag;
constexpr std::size_t kLanes = hn::MaxLanes(Tag());
constexpr bool kManyRegisters = HWY_ARCH_ARM_A64 != 0 || HWY_TARGET <= HWY_AVX3;
// One row alone: as many sums as keep two multiply-adds a cycle busy.
constexpr std::size_t kRowVectors = 8;
// Several rows share the widened weights; their sums stay in registers.
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileVectors = kManyRegisters ? 4 : 2;

HWY_INLINE Vector widened(const float* weights) {
    return hn::PromoteTo(kTag, hn::Load(hn::Rebind<float, Tag>(), weights));
}

// R rows by V vectors of units.
template <std::size_t R, std::size_t V>
HWY_INLINE void tile(const DoubleLayerCall& call, std::size_t row, std::size_t unit) {
    Vector sums[R][V];  // NOLINT: vectors of Highway live in plain arrays only
    HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
        const Vector bias = widened(call.weights + unit + v * kLanes);
        HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) sums[r][v] = bias;
    }
    const float* weights = call.weights + call.units + unit;
    const double* inputs = call.inputs + row * call.stride;
    for (std::size_t i = 0; i < call.input_count; ++i, weights += call.units) {
        Vector input[R];  // NOLINT
        HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) {
            input[r] = hn::Set(kTag, inputs[r * call.stride + i]);
        }
        HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
            const Vector weight = widened(weights + v * kLanes);
            HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) {
                sums[r][v] = hn::MulAdd(input[r], weight, sums[r][v]);
            }
        }
    }
    HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) {
        double* results = call.results + (row + r) * call.stride + unit;
        HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
            // The operands' order lets NaN through: x86 gives the second one.
            const Vector sum = call.activation == DoubleLayerCall::Activation::relu
                                   ? hn::Max(hn::Zero(kTag), sums[r][v])
                                   : sums[r][v];
            hn::Store(sum, kTag, results + v * kLanes);
        }
    }
}

// R rows by the units from `unit` on: V vectors at a time, then what is left of them.
template <std::size_t R, std::size_t V>
HWY_INLINE void units_of(const DoubleLayerCall& call, std::size_t row, std::size_t unit) {
    for (; unit + V * kLanes <= call.units; unit += V * kLanes) tile<R, V>(call, row, unit);
    if constexpr (V > 1) units_of<R, V - 1>(call, row, unit);
}

void dense(const DoubleLayerCall& call) noexcept {
    std::size_t row = 0;
    for (; row + kTileRows <= call.rows; row += kTileRows) {
        units_of<kTileRows, kTileVectors>(call, row, 0);
    }
    for (; row < call.rows; ++row) units_of<1, kRowVectors>(call, row, 0);
}

bool all_finite(const double* values, std::size_t count) noexcept {
    // 0 times a value is 0, or NaN where the value is NaN or Inf.
    const Vector zero = hn::Zero(kTag);
    Vector first = zero;
    Vector second = zero;
    for (std::size_t i = 0; i < count; i += kDoublePadding) {
        first = hn::MulAdd(zero, hn::Load(kTag, values + i), first);
        for (std::size_t j = kLanes; j < kDoublePadding; j += kLanes) {
            second = hn::MulAdd(zero, hn::Load(kTag, values + i + j), second);
        }
    }
    return hn::AllTrue(kTag, hn::Eq(hn::Add(first, second), zero));
}

const DoubleKernels& table() {
    static const DoubleKernels kernels{
        .instruction_set = hwy::TargetName(HWY_TARGET), .dense = dense, .all_finite = all_finite};
    return kernels;
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(table);

const DoubleKernels& double_kernels() { return HWY_DYNAMIC_DISPATCH(table)(); }

}  // namespace tamis::engine
#endif
