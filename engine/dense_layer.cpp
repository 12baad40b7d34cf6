// Dense layer: Gemm and MatMul, on oneDNN's inner product where there is no kernel of ours.
#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

struct DenseLayouts {
    onednn::Desc kernel;  // as the graph stores it, seen as [units, in]
    onednn::Desc bias;    // zero when there is none
};

DenseLayouts layouts_of(const DenseLayer& dense, std::int64_t in, std::int64_t units) {
    const onednn::Dims dims{units, in};
    DenseLayouts layouts{onednn::plain(dims), {}};
    if (!dense.units_first) {
        layouts.kernel = onednn::permuted(onednn::plain({in, units}), {1, 0});
    }
    if (!dense.bias.empty()) layouts.bias = onednn::plain({units});
    return layouts;
}

void emit_backward(Emission& to, const PlanLayer& layer, const DenseLayer& dense,
                   const DenseLayouts& layouts, const onednn::DenseHint& hint) {
    ProgramBuilder& program = to.program();
    const onednn::Desc src_layout = onednn::plain(to.dims(layer.inputs[0]));
    const onednn::Desc dst_layout = onednn::plain(to.dims(layer.outputs[0]));
    BufferId gradient = to.gradient(layer.outputs[0], layer.name);
    gradient = through_activation(to, dense.activation, to.value_buffer(layer.outputs[0]), gradient,
                                  layer.name);
    gradient = program.in_layout(gradient, dst_layout, layer.name);
    const BufferId src =
        program.in_layout(to.value_buffer(layer.inputs[0]), src_layout, layer.name);

    const onednn::Made by_weights = onednn::dense_backward_weights(
        src_layout, onednn::any(onednn::dims_of(layouts.kernel)), layouts.bias, dst_layout, hint);
    const BufferId kernel_gradient = program.arena(by_weights.weights);
    std::vector<std::pair<int, BufferId>> arguments{{DNNL_ARG_SRC, src},
                                                    {DNNL_ARG_DIFF_DST, gradient},
                                                    {DNNL_ARG_DIFF_WEIGHTS, kernel_gradient}};
    BufferId bias_gradient = -1;
    if (!dense.bias.empty()) {
        bias_gradient = program.arena(layouts.bias);
        arguments.emplace_back(DNNL_ARG_DIFF_BIAS, bias_gradient);
    }
    program.append(layer.name, by_weights, std::move(arguments));
    to.add_parameter_gradient(dense.kernel, layouts.kernel, kernel_gradient, layer.name);
    if (bias_gradient >= 0) {
        to.add_parameter_gradient(dense.bias, layouts.bias, bias_gradient, layer.name);
    }

    if (!to.needs_gradient(layer.inputs[0])) return;
    const onednn::Made by_data = onednn::dense_backward_data(
        src_layout, onednn::any(onednn::dims_of(layouts.kernel)), dst_layout, hint);
    const BufferId kernel = to.parameter(dense.kernel, layouts.kernel, by_data.weights, layer.name);
    const BufferId src_gradient = program.arena(src_layout);
    program.append(layer.name, by_data,
                   {{DNNL_ARG_DIFF_DST, gradient},
                    {DNNL_ARG_WEIGHTS, kernel},
                    {DNNL_ARG_DIFF_SRC, src_gradient}});
    to.add_gradient(layer.inputs[0], src_gradient);
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const DenseLayer& dense) {
    if (to.config().int8 != nullptr && emit_int8(to, layer, dense)) return;
    if (to.config().use == onednn::Use::training && emit_small_dense(to, layer, dense)) return;
    ProgramBuilder& program = to.program();
    const onednn::Desc src_layout = onednn::plain(to.dims(layer.inputs[0]));
    const onednn::Desc dst_layout = onednn::plain(to.dims(layer.outputs[0]));
    const DenseLayouts layouts =
        layouts_of(dense, to.dims(layer.inputs[0])[1], to.dims(layer.outputs[0])[1]);
    const auto made =
        onednn::dense(to.config().use, src_layout, onednn::any(onednn::dims_of(layouts.kernel)),
                      layouts.bias, dst_layout, dense.activation);
    const BufferId src =
        program.in_layout(to.value_buffer(layer.inputs[0]), src_layout, layer.name);
    const BufferId dst = to.destination(layer.outputs[0], dst_layout);
    std::vector<std::pair<int, BufferId>> arguments{
        {DNNL_ARG_SRC, src},
        {DNNL_ARG_WEIGHTS, to.parameter(dense.kernel, layouts.kernel, made.weights, layer.name)},
        {DNNL_ARG_DST, dst}};
    if (!dense.bias.empty()) {
        arguments.emplace_back(DNNL_ARG_BIAS,
                               to.parameter(dense.bias, layouts.bias, layouts.bias, layer.name));
    }
    program.append(layer.name, made, std::move(arguments));
    to.set_value(layer.outputs[0], dst);
    if (to.config().with_backward) {
        to.on_backward(layer, [&to, &layer, &dense, layouts, hint = made.hint] {
            emit_backward(to, layer, dense, layouts, hint);
        });
    }
}

}  // namespace tamis::engine
