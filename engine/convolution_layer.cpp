// Convolution in one to three dimensions, with groups, strides and dilations. Layouts are left to
// oneDNN throughout: a fixed plain source with 20 channels costs a factor 3 (it falls back to
// GEMM), a plain 2-channel source in training 40.
#include "engine/emission.hpp"
#include "engine/vector_convolution.hpp"

namespace tamis::engine {

namespace {

struct ConvolutionLayouts {
    onednn::Desc kernel;  // as the graph stores it; with groups as a dimension of its own
    onednn::Desc bias;    // zero when there is none
};

ConvolutionLayouts layouts_of(const ConvolutionLayer& convolution, std::int64_t channels,
                              std::int64_t filters) {
    onednn::Dims dims;
    if (convolution.groups > 1) dims.push_back(convolution.groups);
    dims.push_back(filters / convolution.groups);
    dims.push_back(channels / convolution.groups);
    dims.insert(dims.end(), convolution.window.kernel.begin(), convolution.window.kernel.end());
    ConvolutionLayouts layouts{onednn::plain(dims), {}};
    if (!convolution.bias.empty()) layouts.bias = onednn::plain({filters});
    return layouts;
}

void emit_backward(Emission& to, const PlanLayer& layer, const ConvolutionLayer& convolution,
                   const ConvolutionLayouts& layouts, const onednn::ConvolutionHint& hint) {
    ProgramBuilder& program = to.program();
    const onednn::Desc any_src = onednn::any(to.dims(layer.inputs[0]));
    const onednn::Desc any_dst = onednn::any(to.dims(layer.outputs[0]));
    const onednn::Desc any_kernel = onednn::any(onednn::dims_of(layouts.kernel));
    const BufferId gradient =
        through_activation(to, convolution.activation, to.value_buffer(layer.outputs[0]),
                           to.gradient(layer.outputs[0], layer.name), layer.name);

    const onednn::Made by_weights = onednn::convolution_backward_weights(
        any_src, any_kernel, layouts.bias, any_dst, convolution.window, hint);
    const BufferId kernel_gradient = program.arena(by_weights.weights);
    std::vector<std::pair<int, BufferId>> arguments{
        {DNNL_ARG_SRC,
         program.in_layout(to.value_buffer(layer.inputs[0]), by_weights.src, layer.name)},
        {DNNL_ARG_DIFF_DST, program.in_layout(gradient, by_weights.dst, layer.name)},
        {DNNL_ARG_DIFF_WEIGHTS, kernel_gradient}};
    BufferId bias_gradient = -1;
    if (!convolution.bias.empty()) {
        bias_gradient = program.arena(layouts.bias);
        arguments.emplace_back(DNNL_ARG_DIFF_BIAS, bias_gradient);
    }
    program.append(layer.name, by_weights, std::move(arguments));
    to.add_parameter_gradient(convolution.kernel, layouts.kernel, kernel_gradient, layer.name);
    if (bias_gradient >= 0) {
        to.add_parameter_gradient(convolution.bias, layouts.bias, bias_gradient, layer.name);
    }

    if (!to.needs_gradient(layer.inputs[0])) return;
    const onednn::Made by_data =
        onednn::convolution_backward_data(any_src, any_kernel, any_dst, convolution.window, hint);
    const BufferId src_gradient = program.arena(by_data.src);
    program.append(layer.name, by_data,
                   {{DNNL_ARG_DIFF_DST, program.in_layout(gradient, by_data.dst, layer.name)},
                    {DNNL_ARG_WEIGHTS,
                     to.parameter(convolution.kernel, layouts.kernel, by_data.weights, layer.name)},
                    {DNNL_ARG_DIFF_SRC, src_gradient}});
    to.add_gradient(layer.inputs[0], src_gradient);
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const ConvolutionLayer& convolution) {
    if (to.config().int8 != nullptr && emit_int8(to, layer, convolution)) return;
    if (emit_vector_convolution(to, layer, convolution)) return;
    ProgramBuilder& program = to.program();
    const onednn::Dims src_dims = to.dims(layer.inputs[0]);
    const onednn::Dims dst_dims = to.dims(layer.outputs[0]);
    const ConvolutionLayouts layouts = layouts_of(convolution, src_dims[1], dst_dims[1]);
    const auto made =
        onednn::convolution(to.config().use,
                            {onednn::any(src_dims), onednn::any(onednn::dims_of(layouts.kernel)),
                             layouts.bias, onednn::any(dst_dims)},
                            convolution.window, convolution.activation);
    const BufferId dst = to.destination(layer.outputs[0], made.dst);
    std::vector<std::pair<int, BufferId>> arguments{
        {DNNL_ARG_SRC, program.in_layout(to.value_buffer(layer.inputs[0]), made.src, layer.name)},
        {DNNL_ARG_WEIGHTS,
         to.parameter(convolution.kernel, layouts.kernel, made.weights, layer.name)},
        {DNNL_ARG_DST, dst}};
    if (!convolution.bias.empty()) {
        arguments.emplace_back(
            DNNL_ARG_BIAS, to.parameter(convolution.bias, layouts.bias, layouts.bias, layer.name));
    }
    program.append(layer.name, made, std::move(arguments));
    to.set_value(layer.outputs[0], dst);
    if (to.config().with_backward) {
        to.on_backward(layer, [&to, &layer, &convolution, layouts, hint = made.hint] {
            emit_backward(to, layer, convolution, layouts, hint);
        });
    }
}

}  // namespace tamis::engine
