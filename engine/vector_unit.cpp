#include "engine/vector_unit.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/vector_unit.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

VectorUnit unit() {
    VectorUnit unit;
    unit.name = hwy::TargetName(HWY_TARGET);
    unit.lanes = hwy::HWY_NAMESPACE::MaxLanes(hwy::HWY_NAMESPACE::CappedTag<float, 16>());
#if HWY_TARGET == HWY_AVX3
    unit.set = VectorUnit::Set::avx512;
    unit.registers = 32;
#elif HWY_TARGET == HWY_AVX2
    unit.set = VectorUnit::Set::avx2;
#elif HWY_TARGET == HWY_SSE4
    unit.set = VectorUnit::Set::sse4;
#elif HWY_TARGET == HWY_NEON
    unit.set = VectorUnit::Set::neon;
    unit.registers = 32;
#endif
    return unit;
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {
HWY_EXPORT(unit);

VectorUnit vector_unit() { return HWY_DYNAMIC_DISPATCH(unit)(); }

}  // namespace tamis::engine
#endif
