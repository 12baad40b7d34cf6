// oneDNN's primitives as the engine uses them; the same for oneDNN 2.6 and 3.x (what differs is in
// onednn_version.hpp). Included by few .cpp files, never by a public header. Creation throws
// dnnl::error; callers end it at the folder's border.
#pragma once

#include <dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/layer_plan.hpp"

namespace tamis::engine::onednn {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;

// The one CPU engine of the process.
[[nodiscard]] const dnnl::engine& cpu();

// oneDNN runs on OpenMP; a pinned thread with the default team costs 8 ms per primitive. Every
// thread that creates or executes calls this; after a thread's first call it costs one branch.
void use_one_thread() noexcept;

enum class Element { f32, s32, s8, u8 };
[[nodiscard]] Desc plain(const Dims& dims, Element element = Element::f32);  // row-major
[[nodiscard]] Desc any(const Dims& dims, Element element = Element::f32);  // the primitive chooses
// Images [rows, channels, ...] with the channel as the fastest index: what integers want.
[[nodiscard]] Desc channels_last(const Dims& dims, Element element);
[[nodiscard]] Dims dims_of(const Desc& desc);
[[nodiscard]] bool is_plain(const Desc& desc);
[[nodiscard]] std::size_t bytes_of(const Desc& desc);
// Images [batch, channels, height, width] with channels in blocks of 1 (row-major), 4, 8 or 16.
[[nodiscard]] Desc channel_blocked(const Dims& dims, std::size_t block);
// None: the layout is more than strides.
[[nodiscard]] std::optional<Dims> strides_of(const Desc& desc);
// The same memory with its dimensions in another order: dimension k of the result is dimension
// perm[k] of desc.
[[nodiscard]] Desc permuted(const Desc& desc, const std::vector<int>& perm);

// Channels side by side of images [batch, channels, height, width] in blocks of 8 or 16; 0: another
// layout.
[[nodiscard]] std::int64_t channel_block(const Desc& desc);

// The block of these dimensions at these offsets, in place.
[[nodiscard]] Desc part_of(const Desc& desc, const Dims& dims, const Dims& offsets);

// Forward and backward of one kind share a Use; Inference keeps no workspace.
enum class Use { inference, training };

// A primitive and the layouts it settled on.
struct Made {
    dnnl::primitive primitive;
    Desc src, weights, bias, dst;  // forward; of backward the gradients where there are any
    Desc workspace;                // zero when none
    Desc scratchpad;               // zero when none
    std::string executor;          // "jit:avx2"
};

using DenseHint = dnnl::inner_product_forward::primitive_desc;
using ConvolutionHint = dnnl::convolution_forward::primitive_desc;
using PoolHint = dnnl::pooling_forward::primitive_desc;
using NormalisationHint = dnnl::batch_normalization_forward::primitive_desc;
using SoftmaxHint = dnnl::softmax_forward::primitive_desc;

template <class Hint>
struct MadeForward : Made {
    Hint hint;
};

[[nodiscard]] MadeForward<DenseHint> dense(Use use, const Desc& src, const Desc& weights,
                                           const Desc& bias, const Desc& dst,
                                           const std::optional<Activation>& activation);
[[nodiscard]] Made dense_backward_data(const Desc& diff_src, const Desc& weights,
                                       const Desc& diff_dst, const DenseHint& hint);
[[nodiscard]] Made dense_backward_weights(const Desc& src, const Desc& diff_weights,
                                          const Desc& diff_bias, const Desc& diff_dst,
                                          const DenseHint& hint);

struct ConvolutionDescs {
    Desc src;
    Desc weights;
    Desc bias;
    Desc dst;
};
[[nodiscard]] MadeForward<ConvolutionHint> convolution(Use use, const ConvolutionDescs& of,
                                                       const Window& window,
                                                       const std::optional<Activation>& activation);
[[nodiscard]] Made convolution_backward_data(const Desc& diff_src, const Desc& weights,
                                             const Desc& diff_dst, const Window& window,
                                             const ConvolutionHint& hint);
[[nodiscard]] Made convolution_backward_weights(const Desc& src, const Desc& diff_weights,
                                                const Desc& diff_bias, const Desc& diff_dst,
                                                const Window& window, const ConvolutionHint& hint);

[[nodiscard]] MadeForward<PoolHint> pool(Use use, const PoolLayer& layer, const Desc& src,
                                         const Desc& dst);
[[nodiscard]] Made pool_backward(const PoolLayer& layer, const Desc& diff_src, const Desc& diff_dst,
                                 const PoolHint& hint);

// Inference: with the given statistics; Training: of the batch, which are outputs.
[[nodiscard]] MadeForward<NormalisationHint> normalisation(Use use, const Desc& src, float epsilon);
[[nodiscard]] Made normalisation_backward(const Desc& diff, const Desc& src, float epsilon,
                                          const NormalisationHint& hint);
// oneDNN 2 wants the shift among its arguments, 3 refuses it.
[[nodiscard]] bool normalisation_backward_takes_shift();

[[nodiscard]] Made activation(Use use, const Activation& kind, const Desc& data);
// From the activation's result, so that it works for a fused one too.
[[nodiscard]] Made activation_backward(const Activation& kind, const Desc& diff,
                                       const Desc& result);

[[nodiscard]] MadeForward<SoftmaxHint> softmax(Use use, const Desc& data, int axis);
[[nodiscard]] Made softmax_backward(const Desc& diff, const Desc& result, int axis,
                                    const SoftmaxHint& hint);

[[nodiscard]] Made sum_of(const Desc& dst, const std::vector<Desc>& sources);
[[nodiscard]] Made reorder(const Desc& from, const Desc& to);

}  // namespace tamis::engine::onednn
