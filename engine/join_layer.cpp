// Layers that join values or see them in another shape: concat, transpose, reshape.
#include <algorithm>

#include "engine/emission.hpp"

namespace tamis::engine {

void emit(Emission& to, const PlanLayer& layer, const ConcatLayer& concat) {
    // What stands in front of the axis, the batch apart: so many pieces of each part follow one
    // another.
    const onednn::Dims joined = to.dims(layer.outputs[0]);
    std::size_t pieces = 1;
    for (std::size_t axis = 1; axis < static_cast<std::size_t>(concat.axis); ++axis) {
        pieces *= static_cast<std::size_t>(joined[axis]);
    }
    std::vector<BufferId> buffers;
    std::vector<std::size_t> lengths;  // of a piece of each part
    for (const int input : layer.inputs) {
        buffers.push_back(to.plain_source(input, layer.name));
        lengths.push_back(to.row_shape(input).element_count() / pieces);
    }
    buffers.push_back(to.plain_destination(layer.outputs[0]));
    to.program().append(
        layer.name, "loop",
        [lengths, pieces](std::span<float* const> b, std::size_t rows) {
            float* to_end = b[lengths.size()];
            for (std::size_t piece = 0; piece < rows * pieces; ++piece) {
                for (std::size_t part = 0; part < lengths.size(); ++part) {
                    to_end = std::copy_n(b[part] + piece * lengths[part], lengths[part], to_end);
                }
            }
        },
        buffers, ProgramBuilder::Rows::any);
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
