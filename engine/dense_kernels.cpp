#include "engine/dense_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/dense_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
// Each sees what stands above it.
// clang-format off
#include "engine/dense_vectors.inl"
#include "engine/dense_panels.inl"
#if HWY_TARGET <= HWY_AVX2
#include "engine/dense_dot.inl"
#include "engine/dense_columns.inl"
#include "engine/dense_transposition.inl"
#endif
// clang-format on

namespace tamis::engine::HWY_NAMESPACE {

void dense(const DenseCall& call) noexcept {
    const std::size_t padded = kPacking.padded(call.units);
    const std::size_t tail = kPacking.tail_lanes(call.units);
    const std::size_t vectors = kPacking.whole_units(call.units) / kLanes;
    const float* weights = call.weights + padded;
    if (kPacking.uses_dot(call.inputs, call.units)) {
#if HWY_TARGET <= HWY_AVX2
        dot_layer(call, weights, kPacking.padded(call.inputs));
#endif
    } else if (padded <= kPanelVectors * kLanes) {
        one_panel(call, vectors, tail, weights);
    } else if (call.rows == 1) {
        one_row(call, vectors, tail, weights);
    } else {
        many_panels(call, vectors, tail, weights);
    }
    if (call.function != DenseFunction::none && call.function != DenseFunction::relu) {
        apply(call.function, call.negative_slope, call.result, call.units, call.rows);
    }
}

const DenseKernels& table() {
    static const DenseKernels kernels {
        .instruction_set = hwy::TargetName(HWY_TARGET), .lanes = kLanes,
        .panel_vectors = kPanelVectors, .dense = dense, .apply = apply,
#if HWY_TARGET <= HWY_AVX2
        .block_rows = kBlockRows, .to_columns = to_columns, .dense_columns = dense_columns,
        .apply_columns = apply_columns, .to_rows = to_rows
#endif
    };
    return kernels;
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(table);

const DenseKernels& dense_kernels() { return HWY_DYNAMIC_DISPATCH(table)(); }

}  // namespace tamis::engine
#endif
