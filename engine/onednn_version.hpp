// All that differs between oneDNN 2.6 (Debian 12) and 3.x (Debian 13): 2 describes a primitive by
// an operation descriptor, 3 by the arguments themselves, in another order and with source and
// destination apart. Both halves declare the same functions; only onednn.cpp includes this.
// Creation throws dnnl::error.
#pragma once

#include <vector>

#include "engine/onednn.hpp"

namespace tamis::engine::onednn::version {

using dnnl::algorithm;
using dnnl::primitive_attr;
using dnnl::prop_kind;

#if DNNL_VERSION_MAJOR >= 3

template <class Primitive, class... Arguments>
[[nodiscard]] typename Primitive::primitive_desc describe(const primitive_attr& attributes,
                                                          const Arguments&... arguments) {
    return {cpu(), arguments..., attributes};
}

template <class Primitive, class Hint, class... Arguments>
[[nodiscard]] typename Primitive::primitive_desc describe_backward(const primitive_attr& attributes,
                                                                   const Hint& forward,
                                                                   const Arguments&... arguments) {
    return {cpu(), arguments..., forward, attributes};
}

[[nodiscard]] inline PoolHint describe_pool(const primitive_attr& attributes, prop_kind kind,
                                            algorithm how, const Desc& src, const Desc& dst,
                                            const Window& window) {
    const Dims no_gaps(window.kernel.size(), 0);
    return PoolHint(cpu(), kind, how, src, dst, window.strides, window.kernel, no_gaps,
                    window.pads_begin, window.pads_end, attributes);
}

[[nodiscard]] inline dnnl::pooling_backward::primitive_desc describe_pool_backward(
    const primitive_attr& attributes, const PoolHint& forward, algorithm how, const Desc& diff_src,
    const Desc& diff_dst, const Window& window) {
    const Dims no_gaps(window.kernel.size(), 0);
    return dnnl::pooling_backward::primitive_desc(cpu(), how, diff_src, diff_dst, window.strides,
                                                  window.kernel, no_gaps, window.pads_begin,
                                                  window.pads_end, forward, attributes);
}

[[nodiscard]] inline NormalisationHint describe_normalisation(const primitive_attr& attributes,
                                                              prop_kind kind, const Desc& data,
                                                              float epsilon,
                                                              dnnl::normalization_flags flags) {
    return {cpu(), kind, data, data, epsilon, flags, attributes};
}

[[nodiscard]] inline dnnl::batch_normalization_backward::primitive_desc
describe_normalisation_backward(const primitive_attr& attributes, const NormalisationHint& forward,
                                const Desc& diff, const Desc& data, float epsilon,
                                dnnl::normalization_flags flags) {
    return {cpu(), prop_kind::backward, diff, diff, data, epsilon, flags, forward, attributes};
}

[[nodiscard]] inline dnnl::eltwise_forward::primitive_desc describe_eltwise(
    const primitive_attr& attributes, prop_kind kind, algorithm how, const Desc& data,
    float alpha) {
    return {cpu(), kind, how, data, data, alpha, 0.F, attributes};
}

[[nodiscard]] inline dnnl::eltwise_backward::primitive_desc describe_eltwise_backward(
    const primitive_attr& attributes, const dnnl::eltwise_forward::primitive_desc& forward,
    algorithm how, const Desc& diff, const Desc& data, float alpha) {
    return {cpu(), how, diff, diff, data, alpha, 0.F, forward, attributes};
}

[[nodiscard]] inline SoftmaxHint describe_softmax(const primitive_attr& attributes, prop_kind kind,
                                                  const Desc& data, int axis) {
    return {cpu(), kind, algorithm::softmax_accurate, data, data, axis, attributes};
}

[[nodiscard]] inline dnnl::softmax_backward::primitive_desc describe_softmax_backward(
    const primitive_attr& attributes, const SoftmaxHint& forward, const Desc& diff,
    const Desc& result, int axis) {
    return {cpu(), algorithm::softmax_accurate, diff, diff, result, axis, forward, attributes};
}

[[nodiscard]] inline dnnl::sum::primitive_desc describe_sum(const primitive_attr& attributes,
                                                            const Desc& dst,
                                                            const std::vector<float>& scales,
                                                            const std::vector<Desc>& sources) {
    return {cpu(), dst, scales, sources, attributes};
}

inline void append_eltwise(dnnl::post_ops& after, algorithm how, float alpha) {
    after.append_eltwise(how, alpha, 0.F);
}

[[nodiscard]] inline Dims dims_of(const Desc& desc) { return desc.get_dims(); }

inline constexpr bool kNormalisationBackwardTakesShift = false;

#else

template <class Primitive, class... Arguments>
[[nodiscard]] typename Primitive::primitive_desc describe(const primitive_attr& attributes,
                                                          const Arguments&... arguments) {
    return {typename Primitive::desc(arguments...), attributes, cpu()};
}

template <class Primitive, class Hint, class... Arguments>
[[nodiscard]] typename Primitive::primitive_desc describe_backward(const primitive_attr& attributes,
                                                                   const Hint& forward,
                                                                   const Arguments&... arguments) {
    return {typename Primitive::desc(arguments...), attributes, cpu(), forward};
}

[[nodiscard]] inline PoolHint describe_pool(const primitive_attr& attributes, prop_kind kind,
                                            algorithm how, const Desc& src, const Desc& dst,
                                            const Window& window) {
    return describe<dnnl::pooling_forward>(attributes, kind, how, src, dst, window.strides,
                                           window.kernel, window.pads_begin, window.pads_end);
}

[[nodiscard]] inline dnnl::pooling_backward::primitive_desc describe_pool_backward(
    const primitive_attr& attributes, const PoolHint& forward, algorithm how, const Desc& diff_src,
    const Desc& diff_dst, const Window& window) {
    return describe_backward<dnnl::pooling_backward>(attributes, forward, how, diff_src, diff_dst,
                                                     window.strides, window.kernel,
                                                     window.pads_begin, window.pads_end);
}

[[nodiscard]] inline NormalisationHint describe_normalisation(const primitive_attr& attributes,
                                                              prop_kind kind, const Desc& data,
                                                              float epsilon,
                                                              dnnl::normalization_flags flags) {
    return describe<dnnl::batch_normalization_forward>(attributes, kind, data, epsilon, flags);
}

[[nodiscard]] inline dnnl::batch_normalization_backward::primitive_desc
describe_normalisation_backward(const primitive_attr& attributes, const NormalisationHint& forward,
                                const Desc& diff, const Desc& data, float epsilon,
                                dnnl::normalization_flags flags) {
    return describe_backward<dnnl::batch_normalization_backward>(
        attributes, forward, prop_kind::backward, diff, data, epsilon, flags);
}

[[nodiscard]] inline dnnl::eltwise_forward::primitive_desc describe_eltwise(
    const primitive_attr& attributes, prop_kind kind, algorithm how, const Desc& data,
    float alpha) {
    return describe<dnnl::eltwise_forward>(attributes, kind, how, data, alpha, 0.F);
}

[[nodiscard]] inline dnnl::eltwise_backward::primitive_desc describe_eltwise_backward(
    const primitive_attr& attributes, const dnnl::eltwise_forward::primitive_desc& forward,
    algorithm how, const Desc& diff, const Desc& data, float alpha) {
    return describe_backward<dnnl::eltwise_backward>(attributes, forward, how, diff, data, alpha,
                                                     0.F);
}

[[nodiscard]] inline SoftmaxHint describe_softmax(const primitive_attr& attributes, prop_kind kind,
                                                  const Desc& data, int axis) {
    return describe<dnnl::softmax_forward>(attributes, kind, data, axis);
}

[[nodiscard]] inline dnnl::softmax_backward::primitive_desc describe_softmax_backward(
    const primitive_attr& attributes, const SoftmaxHint& forward, const Desc& diff,
    const Desc& result, int axis) {
    return describe_backward<dnnl::softmax_backward>(attributes, forward, diff, result, axis);
}

[[nodiscard]] inline dnnl::sum::primitive_desc describe_sum(const primitive_attr& attributes,
                                                            const Desc& dst,
                                                            const std::vector<float>& scales,
                                                            const std::vector<Desc>& sources) {
    return {dst, scales, sources, cpu(), attributes};
}

inline void append_eltwise(dnnl::post_ops& after, algorithm how, float alpha) {
    after.append_eltwise(1.F, how, alpha, 0.F);
}

[[nodiscard]] inline Dims dims_of(const Desc& desc) { return desc.dims(); }

inline constexpr bool kNormalisationBackwardTakesShift = true;

#endif

}  // namespace tamis::engine::onednn::version
