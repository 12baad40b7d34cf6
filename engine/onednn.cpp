#include "engine/onednn.hpp"

#include <dlfcn.h>

#include "engine/onednn_version.hpp"

namespace tamis::engine::onednn {

namespace {

using dnnl::algorithm;
using dnnl::primitive_attr;
using dnnl::prop_kind;

dnnl::memory::data_type type_of(Element element) {
    switch (element) {
        case Element::s32:
            return dnnl::memory::data_type::s32;
        case Element::s8:
            return dnnl::memory::data_type::s8;
        case Element::u8:
            return dnnl::memory::data_type::u8;
        case Element::f32:
            break;
    }
    return dnnl::memory::data_type::f32;
}

prop_kind propagation(Use use) {
    return use == Use::inference ? prop_kind::forward_inference : prop_kind::forward_training;
}

// Scratch memory is ours (one per runner), so that concurrent runners share primitives without a
// lock.
primitive_attr attributes() {
    primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attr;
}

// The variants whose backward pass reads the result; forward they compute the same.
algorithm algorithm_of(const Activation& kind) {
    switch (kind.kind) {
        case Activation::Kind::relu:
            return algorithm::eltwise_relu_use_dst_for_bwd;
        case Activation::Kind::tanh:
            return algorithm::eltwise_tanh_use_dst_for_bwd;
        case Activation::Kind::sigmoid:
            break;
    }
    return algorithm::eltwise_logistic_use_dst_for_bwd;
}

algorithm forward_algorithm(const Activation& kind) {
    switch (kind.kind) {
        case Activation::Kind::relu:
            return algorithm::eltwise_relu;
        case Activation::Kind::tanh:
            return algorithm::eltwise_tanh;
        case Activation::Kind::sigmoid:
            break;
    }
    return algorithm::eltwise_logistic;
}

primitive_attr attributes(const std::optional<Activation>& fused) {
    primitive_attr attr = attributes();
    if (fused) {
        dnnl::post_ops after;
        version::append_eltwise(after, forward_algorithm(*fused), fused->negative_slope);
        attr.set_post_ops(after);
    }
    return attr;
}

algorithm algorithm_of(PoolLayer::Kind kind) {
    switch (kind) {
        case PoolLayer::Kind::max:
            return algorithm::pooling_max;
        case PoolLayer::Kind::average_of_inside:
            return algorithm::pooling_avg_exclude_padding;
        case PoolLayer::Kind::average_with_padding:
            break;
    }
    return algorithm::pooling_avg_include_padding;
}

Dims dilations(const Window& window) {
    Dims dense = window.dilations;
    for (auto& dilation : dense) --dilation;  // oneDNN counts the gap
    return dense;
}

template <class PrimitiveDesc>
void fill(Made& made, const PrimitiveDesc& pd) {
    made.scratchpad = pd.scratchpad_desc();
    made.executor = pd.impl_info_str();
}

const auto kChannelFlags =
    dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;

}  // namespace

const dnnl::engine& cpu() {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

void use_one_thread() noexcept {
    // Looked up by name: libgomp comes with the library and a build of oneDNN without OpenMP has
    // none.
    using SetThreads = void (*)(int);
    static const auto set_threads =
        reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    thread_local bool done = false;
    if (!done && set_threads != nullptr) set_threads(1);
    done = true;
}

Desc plain(const Dims& dims, Element element) {
    Dims strides(dims.size(), 1);
    for (std::size_t axis = dims.size(); axis-- > 1;) {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    return {dims, type_of(element), strides};
}

Desc any(const Dims& dims, Element element) {
    return {dims, type_of(element), dnnl::memory::format_tag::any};
}

Desc channels_last(const Dims& dims, Element element) {
    Dims strides(dims.size(), 1);
    std::int64_t stride = dims[1];
    for (std::size_t axis = dims.size(); axis-- > 2;) {
        strides[axis] = stride;
        stride *= dims[axis];
    }
    strides[0] = stride;
    return {dims, type_of(element), strides};
}

Dims dims_of(const Desc& desc) { return version::dims_of(desc); }

bool is_plain(const Desc& desc) { return desc == plain(dims_of(desc)); }

std::size_t bytes_of(const Desc& desc) { return desc.get_size(); }

Desc channel_blocked(const Dims& dims, std::size_t block) {
    using Tag = dnnl::memory::format_tag;
    if (block == 1) return plain(dims);
    const Tag tag = block == 16 ? Tag::nChw16c : block == 8 ? Tag::nChw8c : Tag::nChw4c;
    return {dims, type_of(Element::f32), tag};
}

std::optional<Dims> strides_of(const Desc& desc) {
    const dnnl_memory_desc_t& data = desc.data;
    const auto& blocking = data.format_desc.blocking;  // NOLINT: a union of theirs
    if (data.format_kind != dnnl_blocked || blocking.inner_nblks != 0 || data.offset0 != 0) {
        return std::nullopt;
    }
    return Dims(blocking.strides, blocking.strides + data.ndims);
}

Desc permuted(const Desc& desc, const std::vector<int>& perm) {
    std::vector<int> place(perm.size());
    for (std::size_t k = 0; k < perm.size(); ++k) {
        place[static_cast<std::size_t>(perm[k])] = static_cast<int>(k);
    }
    return desc.permute_axes(place);
}

std::int64_t channel_block(const Desc& desc) {
    using Tag = dnnl::memory::format_tag;
    const Dims dims = dims_of(desc);
    if (dims.size() != 4) return 0;
    if (desc == Desc(dims, dnnl::memory::data_type::f32, Tag::nChw16c)) return 16;
    return desc == Desc(dims, dnnl::memory::data_type::f32, Tag::nChw8c) ? 8 : 0;
}

Desc part_of(const Desc& desc, const Dims& dims, const Dims& offsets) {
    return desc.submemory_desc(dims, offsets);
}

MadeForward<DenseHint> dense(Use use, const Desc& src, const Desc& weights, const Desc& bias,
                             const Desc& dst, const std::optional<Activation>& activation) {
    MadeForward<DenseHint> made;
    made.hint = version::describe<dnnl::inner_product_forward>(
        attributes(activation), propagation(use), src, weights, bias, dst);
    made.primitive = dnnl::inner_product_forward(made.hint);
    made.src = made.hint.src_desc();
    made.weights = made.hint.weights_desc();
    made.bias = made.hint.bias_desc();
    made.dst = made.hint.dst_desc();
    fill(made, made.hint);
    return made;
}

Made dense_backward_data(const Desc& diff_src, const Desc& weights, const Desc& diff_dst,
                         const DenseHint& hint) {
    const auto pd = version::describe_backward<dnnl::inner_product_backward_data>(
        attributes(), hint, diff_src, weights, diff_dst);
    Made made;
    made.primitive = dnnl::inner_product_backward_data(pd);
    made.src = pd.diff_src_desc();
    made.weights = pd.weights_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

Made dense_backward_weights(const Desc& src, const Desc& diff_weights, const Desc& diff_bias,
                            const Desc& diff_dst, const DenseHint& hint) {
    const auto pd = version::describe_backward<dnnl::inner_product_backward_weights>(
        attributes(), hint, src, diff_weights, diff_bias, diff_dst);
    Made made;
    made.primitive = dnnl::inner_product_backward_weights(pd);
    made.src = pd.src_desc();
    made.weights = pd.diff_weights_desc();
    made.bias = pd.diff_bias_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

MadeForward<ConvolutionHint> convolution(Use use, const ConvolutionDescs& of, const Window& window,
                                         const std::optional<Activation>& activation) {
    MadeForward<ConvolutionHint> made;
    made.hint = version::describe<dnnl::convolution_forward>(
        attributes(activation), propagation(use), algorithm::convolution_direct, of.src, of.weights,
        of.bias, of.dst, window.strides, dilations(window), window.pads_begin, window.pads_end);
    made.primitive = dnnl::convolution_forward(made.hint);
    made.src = made.hint.src_desc();
    made.weights = made.hint.weights_desc();
    made.bias = made.hint.bias_desc();
    made.dst = made.hint.dst_desc();
    fill(made, made.hint);
    return made;
}

Made convolution_backward_data(const Desc& diff_src, const Desc& weights, const Desc& diff_dst,
                               const Window& window, const ConvolutionHint& hint) {
    const auto pd = version::describe_backward<dnnl::convolution_backward_data>(
        attributes(), hint, algorithm::convolution_direct, diff_src, weights, diff_dst,
        window.strides, dilations(window), window.pads_begin, window.pads_end);
    Made made;
    made.primitive = dnnl::convolution_backward_data(pd);
    made.src = pd.diff_src_desc();
    made.weights = pd.weights_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

Made convolution_backward_weights(const Desc& src, const Desc& diff_weights, const Desc& diff_bias,
                                  const Desc& diff_dst, const Window& window,
                                  const ConvolutionHint& hint) {
    const auto pd = version::describe_backward<dnnl::convolution_backward_weights>(
        attributes(), hint, algorithm::convolution_direct, src, diff_weights, diff_bias, diff_dst,
        window.strides, dilations(window), window.pads_begin, window.pads_end);
    Made made;
    made.primitive = dnnl::convolution_backward_weights(pd);
    made.src = pd.src_desc();
    made.weights = pd.diff_weights_desc();
    made.bias = pd.diff_bias_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

MadeForward<PoolHint> pool(Use use, const PoolLayer& layer, const Desc& src, const Desc& dst) {
    MadeForward<PoolHint> made;
    made.hint = version::describe_pool(attributes(), propagation(use), algorithm_of(layer.kind),
                                       src, dst, layer.window);
    made.primitive = dnnl::pooling_forward(made.hint);
    made.src = made.hint.src_desc();
    made.dst = made.hint.dst_desc();
    made.workspace = made.hint.workspace_desc();
    fill(made, made.hint);
    return made;
}

Made pool_backward(const PoolLayer& layer, const Desc& diff_src, const Desc& diff_dst,
                   const PoolHint& hint) {
    const auto pd = version::describe_pool_backward(attributes(), hint, algorithm_of(layer.kind),
                                                    diff_src, diff_dst, layer.window);
    Made made;
    made.primitive = dnnl::pooling_backward(pd);
    made.src = pd.diff_src_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

MadeForward<NormalisationHint> normalisation(Use use, const Desc& src, float epsilon) {
    const auto flags = use == Use::inference
                           ? kChannelFlags | dnnl::normalization_flags::use_global_stats
                           : kChannelFlags;
    MadeForward<NormalisationHint> made;
    made.hint =
        version::describe_normalisation(attributes(), propagation(use), src, epsilon, flags);
    made.primitive = dnnl::batch_normalization_forward(made.hint);
    made.src = made.hint.src_desc();
    made.dst = made.hint.dst_desc();
    fill(made, made.hint);
    return made;
}

Made normalisation_backward(const Desc& diff, const Desc& src, float epsilon,
                            const NormalisationHint& hint) {
    const auto pd = version::describe_normalisation_backward(attributes(), hint, diff, src, epsilon,
                                                             kChannelFlags);
    Made made;
    made.primitive = dnnl::batch_normalization_backward(pd);
    made.src = pd.diff_src_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

bool normalisation_backward_takes_shift() { return version::kNormalisationBackwardTakesShift; }

Made activation(Use use, const Activation& kind, const Desc& data) {
    const auto pd = version::describe_eltwise(attributes(), propagation(use),
                                              forward_algorithm(kind), data, kind.negative_slope);
    Made made;
    made.primitive = dnnl::eltwise_forward(pd);
    made.src = pd.src_desc();
    made.dst = pd.dst_desc();
    fill(made, pd);
    return made;
}

Made activation_backward(const Activation& kind, const Desc& diff, const Desc& result) {
    const auto hint = version::describe_eltwise(attributes(), prop_kind::forward_training,
                                                algorithm_of(kind), result, kind.negative_slope);
    const auto pd = version::describe_eltwise_backward(attributes(), hint, algorithm_of(kind), diff,
                                                       result, kind.negative_slope);
    Made made;
    made.primitive = dnnl::eltwise_backward(pd);
    made.src = pd.diff_src_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

MadeForward<SoftmaxHint> softmax(Use use, const Desc& data, int axis) {
    MadeForward<SoftmaxHint> made;
    made.hint = version::describe_softmax(attributes(), propagation(use), data, axis);
    made.primitive = dnnl::softmax_forward(made.hint);
    made.src = made.hint.src_desc();
    made.dst = made.hint.dst_desc();
    fill(made, made.hint);
    return made;
}

Made softmax_backward(const Desc& diff, const Desc& result, int axis, const SoftmaxHint& hint) {
    const auto pd = version::describe_softmax_backward(attributes(), hint, diff, result, axis);
    Made made;
    made.primitive = dnnl::softmax_backward(pd);
    made.src = pd.diff_src_desc();
    made.dst = pd.diff_dst_desc();
    fill(made, pd);
    return made;
}

Made sum_of(const Desc& dst, const std::vector<Desc>& sources) {
    const std::vector<float> scales(sources.size(), 1.F);
    const auto pd = version::describe_sum(attributes(), dst, scales, sources);
    Made made;
    made.primitive = dnnl::sum(pd);
    made.dst = pd.dst_desc();
    fill(made, pd);
    return made;
}

Made reorder(const Desc& from, const Desc& to) {
    const dnnl::reorder::primitive_desc pd(cpu(), from, cpu(), to, attributes());
    Made made;
    made.primitive = dnnl::reorder(pd);
    made.src = from;
    made.dst = to;
    fill(made, pd);
    return made;
}

}  // namespace tamis::engine::onednn
