// Layers that join values or see them in another shape: concat, transpose, reshape.
#include "engine/emission.hpp"

namespace tamis::engine {

void emit(Emission& to, const PlanLayer& layer, const ConcatLayer& concat) {
    ProgramBuilder& program = to.program();
    const onednn::Desc layout = onednn::plain(to.dims(layer.outputs[0]));
    std::vector<onednn::Desc> sources;
    std::vector<std::pair<int, BufferId>> arguments;
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
        const BufferId part = program.row_major(to.value_buffer(layer.inputs[i]), layer.name);
        sources.push_back(to.desc(part));
        arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), part);
    }
    const BufferId dst = to.destination(layer.outputs[0], layout);
    arguments.emplace_back(DNNL_ARG_DST, dst);
    program.append(layer.name, onednn::concat(layout, concat.axis, sources), std::move(arguments));
    to.set_value(layer.outputs[0], dst);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, axis = static_cast<std::size_t>(concat.axis)] {
        const BufferId whole =
            to.program().row_major(to.gradient(layer.outputs[0], layer.name), layer.name);
        onednn::Dims offsets(to.dims(layer.outputs[0]).size(), 0);
        for (const int input : layer.inputs) {
            const onednn::Dims part = to.dims(input);
            if (to.needs_gradient(input)) {
                const BufferId view =
                    to.program().alias(whole, onednn::part_of(to.desc(whole), part, offsets));
                to.add_gradient(input, to.program().row_major(view, layer.name));
            }
            offsets[axis] += part[axis];
        }
    });
}

void emit(Emission& to, const PlanLayer& layer, const TransposeLayer& transpose) {
    // No copy: the same memory with its dimensions in another order.
    const BufferId src = to.value_buffer(layer.inputs[0]);
    to.set_value(layer.outputs[0],
                 to.program().alias(src, onednn::permuted(to.desc(src), transpose.perm)));
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &transpose] {
        std::vector<int> inverse(transpose.perm.size());
        for (std::size_t k = 0; k < inverse.size(); ++k) {
            inverse[static_cast<std::size_t>(transpose.perm[k])] = static_cast<int>(k);
        }
        const BufferId gradient = to.gradient(layer.outputs[0], layer.name);
        to.add_gradient(layer.inputs[0],
                        to.program().alias(gradient, onednn::permuted(to.desc(gradient), inverse)));
    });
}

void emit(Emission& to, const PlanLayer& layer, const ReshapeLayer&) {
    const BufferId src = to.program().row_major(to.value_buffer(layer.inputs[0]), layer.name);
    to.set_value(layer.outputs[0],
                 to.program().alias(src, onednn::plain(to.dims(layer.outputs[0]))));
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer] {
        const BufferId gradient =
            to.program().row_major(to.gradient(layer.outputs[0], layer.name), layer.name);
        to.add_gradient(layer.inputs[0],
                        to.program().alias(gradient, onednn::plain(to.dims(layer.inputs[0]))));
    });
}

}  // namespace tamis::engine
