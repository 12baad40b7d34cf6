// Batch normalisation over the first dimension of the row. Training takes mean and (biased)
// variance of the batch and moves the running ones: running = momentum * running + (1 - momentum) *
// batch, as ONNX and Keras define it.
#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

Loop move_statistics(std::size_t channels, float momentum) {
    return [channels, momentum](std::span<float* const> buffers, std::size_t) {
        for (std::size_t c = 0; c < channels; ++c) {
            buffers[2][c] = momentum * buffers[2][c] + (1.F - momentum) * buffers[0][c];
            buffers[3][c] = momentum * buffers[3][c] + (1.F - momentum) * buffers[1][c];
        }
    };
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const NormalisationLayer& normalisation) {
    ProgramBuilder& program = to.program();
    const bool training = to.config().use == onednn::Use::training;
    const onednn::Desc channels = onednn::plain({to.dims(layer.outputs[0])[1]});
    const auto channel_parameter = [&](const std::string& name) {
        return to.parameter(name, channels, channels, layer.name);
    };
    BufferId src = to.value_buffer(layer.inputs[0]);
    const auto made = made_for_source(to, src, layer.name, [&](const onednn::Desc& layout) {
        return onednn::normalisation(to.config().use, layout, normalisation.epsilon);
    });
    const BufferId running_mean = channel_parameter(normalisation.mean);
    const BufferId running_variance = channel_parameter(normalisation.variance);
    const BufferId mean = training ? program.arena(channels) : running_mean;
    const BufferId variance = training ? program.arena(channels) : running_variance;
    const BufferId scale = channel_parameter(normalisation.scale);
    const BufferId shift = channel_parameter(normalisation.shift);
    const BufferId dst = to.destination(layer.outputs[0], made.dst);
    program.append(layer.name, made,
                   {{DNNL_ARG_SRC, src},
                    {DNNL_ARG_DST, dst},
                    {DNNL_ARG_MEAN, mean},
                    {DNNL_ARG_VARIANCE, variance},
                    {DNNL_ARG_SCALE, scale},
                    {DNNL_ARG_SHIFT, shift}});
    if (training) {
        program.append(layer.name, "running statistics",
                       move_statistics(static_cast<std::size_t>(onednn::dims_of(channels)[0]),
                                       normalisation.momentum),
                       {mean, variance, running_mean, running_variance});
    }
    to.set_value(layer.outputs[0], dst);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &normalisation, channels, src, mean, variance, scale, shift,
                           hint = made.hint] {
        const onednn::Desc layout = to.desc(src);
        const onednn::Made back =
            onednn::normalisation_backward(layout, layout, normalisation.epsilon, hint);
        const BufferId before = to.program().arena(layout);
        const BufferId scale_gradient = to.program().arena(channels);
        const BufferId shift_gradient = to.program().arena(channels);
        std::vector<std::pair<int, BufferId>> arguments{
            {DNNL_ARG_SRC, src},
            {DNNL_ARG_MEAN, mean},
            {DNNL_ARG_VARIANCE, variance},
            {DNNL_ARG_SCALE, scale},
            {DNNL_ARG_DIFF_DST,
             to.program().in_layout(to.gradient(layer.outputs[0], layer.name), layout, layer.name)},
            {DNNL_ARG_DIFF_SRC, before},
            {DNNL_ARG_DIFF_SCALE, scale_gradient},
            {DNNL_ARG_DIFF_SHIFT, shift_gradient}};
        if (onednn::normalisation_backward_takes_shift()) {
            arguments.emplace_back(DNNL_ARG_SHIFT, shift);
        }
        to.program().append(layer.name, back, std::move(arguments));
        to.add_parameter_gradient(normalisation.scale, channels, scale_gradient, layer.name);
        to.add_parameter_gradient(normalisation.shift, channels, shift_gradient, layer.name);
        if (to.needs_gradient(layer.inputs[0])) to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
