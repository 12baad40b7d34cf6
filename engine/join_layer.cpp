// Layers that move or combine values: concat, add and multiply, transpose, reshape.
#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

// A weight's shape seen with the rank of a batch: [3] against rows [2, 3] is [1, 1, 3].
onednn::Dims repeated_dims(const onednn::Dims& weight, const onednn::Dims& full) {
    onednn::Dims dims(full.size(), 1);
    for (std::size_t k = 0; k < weight.size(); ++k) {
        dims[dims.size() - 1 - k] = weight[weight.size() - 1 - k];
    }
    return dims;
}

BufferId reduced_to(Emission& to, BufferId gradient, const onednn::Dims& dims,
                    const std::string& layer) {
    const onednn::Dims full = onednn::dims_of(to.desc(gradient));
    if (full == dims) return gradient;
    const onednn::Desc layout = onednn::plain(dims);
    const BufferId sum = to.program().arena(layout);
    to.program().append(layer, onednn::sum_over(to.desc(gradient), layout),
                        {{DNNL_ARG_SRC, gradient}, {DNNL_ARG_DST, sum}});
    return sum;
}

BufferId product(Emission& to, BufferId left, BufferId right, const std::string& layer) {
    const onednn::Desc layout = to.desc(left);
    const BufferId dst = to.program().arena(layout);
    to.program().append(
        layer, onednn::arithmetic(ArithmeticLayer::Kind::multiply, layout, to.desc(right), layout),
        {{DNNL_ARG_SRC_0, left}, {DNNL_ARG_SRC_1, right}, {DNNL_ARG_DST, dst}});
    return dst;
}

void emit_backward(Emission& to, const PlanLayer& layer, const ArithmeticLayer& arithmetic,
                   BufferId left, BufferId right, const onednn::Desc& natural) {
    const BufferId gradient =
        to.program().row_major(to.gradient(layer.outputs[0], layer.name), layer.name);
    const bool multiply = arithmetic.kind == ArithmeticLayer::Kind::multiply;
    const bool by_weight = !arithmetic.weight.empty();
    if (to.needs_gradient(layer.inputs[0])) {
        to.add_gradient(layer.inputs[0],
                        multiply ? product(to, gradient, right, layer.name) : gradient);
    }
    if (!by_weight && !to.needs_gradient(layer.inputs[1])) return;
    const BufferId full = multiply ? product(to, gradient, left, layer.name) : gradient;
    const BufferId reduced = reduced_to(to, full, onednn::dims_of(to.desc(right)), layer.name);
    if (by_weight) {
        to.add_parameter_gradient(arithmetic.weight, natural, reduced, layer.name);
    } else {
        to.add_gradient(layer.inputs[1], reduced);
    }
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const ArithmeticLayer& arithmetic) {
    ProgramBuilder& program = to.program();
    const BufferId left = program.row_major(to.value_buffer(layer.inputs[0]), layer.name);
    const onednn::Desc layout = to.desc(left);
    BufferId right = -1;
    onednn::Desc natural;
    if (arithmetic.weight.empty()) {
        right = program.row_major(to.value_buffer(layer.inputs[1]), layer.name);
    } else {
        natural = onednn::plain(
            repeated_dims(to.weight_dims(arithmetic.weight), onednn::dims_of(layout)));
        right = to.parameter(arithmetic.weight, natural, natural, layer.name);
    }
    const BufferId dst = to.destination(layer.outputs[0], layout);
    program.append(layer.name, onednn::arithmetic(arithmetic.kind, layout, to.desc(right), layout),
                   {{DNNL_ARG_SRC_0, left}, {DNNL_ARG_SRC_1, right}, {DNNL_ARG_DST, dst}});
    to.set_value(layer.outputs[0], dst);
    if (to.config().with_backward) {
        to.on_backward(layer, [&to, &layer, &arithmetic, left, right, natural] {
            emit_backward(to, layer, arithmetic, left, right, natural);
        });
    }
}

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
