// Activations on their own, softmax and dropout.
#include <cstring>

#include "engine/emission.hpp"
#include "engine/random.hpp"

namespace tamis::engine {

void emit(Emission& to, const PlanLayer& layer, const ActivationLayer& activation) {
    const BufferId src = to.value_buffer(layer.inputs[0]);
    const onednn::Desc layout = to.desc(src);
    const BufferId dst = to.destination(layer.outputs[0], layout);
    to.program().append(layer.name,
                        onednn::activation(to.config().use, activation.activation, layout),
                        {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}});
    to.set_value(layer.outputs[0], dst);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &activation] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        to.add_gradient(
            layer.inputs[0],
            through_activation(to, activation.activation, to.value_buffer(layer.outputs[0]),
                               to.gradient(layer.outputs[0], layer.name), layer.name));
    });
}

void emit(Emission& to, const PlanLayer& layer, const SoftmaxLayer& softmax) {
    ProgramBuilder& program = to.program();
    const onednn::Desc layout = onednn::plain(to.dims(layer.outputs[0]));
    const BufferId src = program.in_layout(to.value_buffer(layer.inputs[0]), layout, layer.name);
    const BufferId dst = to.destination(layer.outputs[0], layout);
    const auto made = onednn::softmax(to.config().use, layout, softmax.axis);
    program.append(layer.name, made, {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}});
    to.set_value(layer.outputs[0], dst);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, layout, axis = softmax.axis, hint = made.hint] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after =
            to.program().in_layout(to.gradient(layer.outputs[0], layer.name), layout, layer.name);
        const BufferId before = to.program().arena(layout);
        to.program().append(layer.name, onednn::softmax_backward(layout, layout, axis, hint),
                            {{DNNL_ARG_DST, to.value_buffer(layer.outputs[0])},
                             {DNNL_ARG_DIFF_DST, after},
                             {DNNL_ARG_DIFF_SRC, before}});
        to.add_gradient(layer.inputs[0], before);
    });
}

// Keeps a value with probability 1 - ratio and scales it up by the inverse, so that evaluation
// needs no factor. The mask is a function of (seed, layer, step, element): the backward pass makes
// it again instead of storing it.
void emit(Emission& to, const PlanLayer& layer, const DropoutLayer& dropout) {
    const BufferId src = to.value_buffer(layer.inputs[0]);
    const DropoutCounter* counter = to.config().dropout;
    if (counter == nullptr || dropout.ratio == 0.F) {
        to.set_value(layer.outputs[0], src);
        if (to.config().with_backward) {
            to.on_backward(layer, [&to, &layer] {
                to.add_gradient(layer.inputs[0], to.gradient(layer.outputs[0], layer.name));
            });
        }
        return;
    }
    const onednn::Desc layout = onednn::plain(to.dims(layer.outputs[0]));
    const std::size_t count = onednn::bytes_of(layout) / sizeof(float);
    const std::uint64_t stream = stream_of(layer.name.c_str());
    const Loop mask = [counter, count, stream, ratio = dropout.ratio](
                          std::span<float* const> buffers, std::size_t) {
        const float scale = 1.F / (1.F - ratio);
        for (std::size_t i = 0; i < count; ++i) {
            const bool keep = random_uniform(counter->seed ^ stream, counter->step, i) >= ratio;
            buffers[1][i] = keep ? buffers[0][i] * scale : 0.F;
        }
    };
    const BufferId plain = to.program().in_layout(src, layout, layer.name);
    const BufferId dst = to.destination(layer.outputs[0], layout);
    to.program().append(layer.name, "dropout", mask, {plain, dst});
    to.set_value(layer.outputs[0], dst);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, layout, mask] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after =
            to.program().in_layout(to.gradient(layer.outputs[0], layer.name), layout, layer.name);
        const BufferId before = to.program().arena(layout);
        to.program().append(layer.name, "dropout", mask, {after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
