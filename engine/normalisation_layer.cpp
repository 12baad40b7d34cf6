// Batch normalisation over the first dimension of the row. Training takes mean and (biased)
// variance of the batch and moves the running ones: running = momentum * running + (1 - momentum) *
// batch, as ONNX and Keras define it.
#include <cmath>

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

// Inference of rows that are vectors, any number of them: y = factor x + offset.
void emit_vector_normalisation(Emission& to, const PlanLayer& layer,
                               const NormalisationLayer& normalisation) {
    const auto weight = [&](const std::string& name) -> const FloatBuffer& {
        return to.config().own_kernels->weights.at(name).values;
    };
    const std::size_t width = weight(normalisation.scale).size();
    FloatBuffer factor(width);
    FloatBuffer offset(width);
    for (std::size_t c = 0; c < width; ++c) {
        const double by =
            weight(normalisation.scale)[c] / std::sqrt(weight(normalisation.variance)[c] +
                                                       static_cast<double>(normalisation.epsilon));
        factor[c] = static_cast<float>(by);
        offset[c] =
            static_cast<float>(weight(normalisation.shift)[c] - weight(normalisation.mean)[c] * by);
    }
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "normalise",
        [factor, offset, width](std::span<float* const> buffers, std::size_t rows) {
            for (std::size_t row = 0; row < rows; ++row) {
                const float* x = buffers[0] + row * width;
                float* y = buffers[1] + row * width;
                for (std::size_t c = 0; c < width; ++c) y[c] = x[c] * factor[c] + offset[c];
            }
        },
        {src, dst}, ProgramBuilder::Rows::any);
}

// What the way back reads of the way there.
struct Ports {
    onednn::Desc channels;
    BufferId src;
    BufferId mean;
    BufferId variance;
    BufferId scale;
    BufferId shift;
};

void emit_backward(Emission& to, const PlanLayer& layer, const NormalisationLayer& normalisation,
                   const Ports& ports, const onednn::NormalisationHint& hint) {
    const onednn::Desc layout = to.desc(ports.src);
    const onednn::Made back =
        onednn::normalisation_backward(layout, layout, normalisation.epsilon, hint);
    const BufferId before = to.program().arena(layout);
    const BufferId scale_gradient = to.program().arena(ports.channels);
    const BufferId shift_gradient = to.program().arena(ports.channels);
    std::vector<std::pair<int, BufferId>> arguments{
        {DNNL_ARG_SRC, ports.src},
        {DNNL_ARG_MEAN, ports.mean},
        {DNNL_ARG_VARIANCE, ports.variance},
        {DNNL_ARG_SCALE, ports.scale},
        {DNNL_ARG_DIFF_DST,
         to.program().in_layout(to.gradient(layer.outputs[0], layer.name), layout, layer.name)},
        {DNNL_ARG_DIFF_SRC, before},
        {DNNL_ARG_DIFF_SCALE, scale_gradient},
        {DNNL_ARG_DIFF_SHIFT, shift_gradient}};
    if (onednn::normalisation_backward_takes_shift()) {
        arguments.emplace_back(DNNL_ARG_SHIFT, ports.shift);
    }
    to.program().append(layer.name, back, std::move(arguments));
    to.add_parameter_gradient(normalisation.scale, ports.channels, scale_gradient, layer.name);
    to.add_parameter_gradient(normalisation.shift, ports.channels, shift_gradient, layer.name);
    if (to.needs_gradient(layer.inputs[0])) to.add_gradient(layer.inputs[0], before);
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const NormalisationLayer& normalisation) {
    if (to.config().own_kernels != nullptr && to.dims(layer.inputs[0]).size() == 2) {
        return emit_vector_normalisation(to, layer, normalisation);
    }
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
    to.on_backward(
        layer,
        [&to, &layer, &normalisation, ports = Ports{channels, src, mean, variance, scale, shift},
         hint = made.hint] { emit_backward(to, layer, normalisation, ports, hint); });
}

}  // namespace tamis::engine
