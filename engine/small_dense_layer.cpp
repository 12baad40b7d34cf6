// Training of a small dense layer, on our own products. Only by the layer's size, never by the
// clock: the same seed must give the same weights.
#include "engine/dense_products.hpp"
#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

// Up to here oneDNN's packing costs more than it gives (bench/README.md, The trainers).
constexpr std::int64_t kSmallWidth = 64;

struct SmallDense {
    std::size_t rows = 0;
    std::size_t in = 0;
    std::size_t units = 0;
    bool units_first = false;
    bool has_bias = false;
    bool has_relu = false;
    float negative_slope = 0.F;
};

DenseProduct product(std::size_t rows, std::size_t inner, std::size_t columns) {
    return {.rows = rows,
            .inner = inner,
            .columns = columns,
            .a_row_stride = inner,
            .a_inner_stride = 1};
}

DenseProduct over(DenseProduct sum, const float* a, const float* b, float* out) {
    sum.a = a;
    sum.b = b;
    sum.out = out;
    return sum;
}

Loop forward_loop(const SmallDense& of) {
    DenseProduct sum = product(of.rows, of.in, of.units);
    sum.has_relu = of.has_relu;
    sum.negative_slope = of.negative_slope;
    return [sum, has_bias = of.has_bias](std::span<float* const> buffers, std::size_t) {
        DenseProduct forward = over(sum, buffers[0], buffers[1], buffers[2]);
        forward.bias = has_bias ? buffers[3] : nullptr;
        multiply(forward);
    };
}

// The gradient of the kernel as the graph stores it: [in, units] is the source transposed by the
// gradient, [units, in] the gradient transposed by the source.
Loop weights_loop(const SmallDense& of) {
    const std::size_t kernel_rows = of.units_first ? of.units : of.in;
    DenseProduct sum = product(kernel_rows, of.rows, of.units_first ? of.in : of.units);
    sum.a_row_stride = 1;
    sum.a_inner_stride = kernel_rows;
    return [sum, of](std::span<float* const> buffers, std::size_t) {
        multiply(over(sum, buffers[of.units_first ? 1 : 0], buffers[of.units_first ? 0 : 1],
                      buffers[2]));
        if (of.has_bias) sum_rows(buffers[1], of.rows, of.units, buffers[3]);
    };
}

// back: the negative slope of the ReLU that made the source, if its gradient is to be the one
// before that.
Loop data_loop(const SmallDense& of, std::optional<float> back) {
    DenseProduct sum = product(of.rows, of.units, of.in);
    sum.negative_slope = back.value_or(0.F);
    return [sum, goes_back = back.has_value()](std::span<float* const> buffers, std::size_t) {
        DenseProduct data = over(sum, buffers[0], buffers[1], buffers[2]);
        data.relu_result = goes_back ? buffers[3] : nullptr;
        multiply(data);
    };
}

// The kernel's layout seen as [units, in].
onednn::Desc kernel_layout(const SmallDense& of, bool units_first) {
    const auto in = static_cast<std::int64_t>(of.in);
    const auto units = static_cast<std::int64_t>(of.units);
    return units_first ? onednn::plain({units, in})
                       : onednn::permuted(onednn::plain({in, units}), {1, 0});
}

void emit_backward(Emission& to, const PlanLayer& layer, const DenseLayer& dense,
                   const SmallDense& of) {
    ProgramBuilder& program = to.program();
    BufferId gradient = to.plain_gradient(layer.outputs[0], layer.name);
    if (!to.is_relu_taken(layer.outputs[0])) {
        gradient = through_activation(to, dense.activation, to.value_buffer(layer.outputs[0]),
                                      gradient, layer.name);
    }
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const onednn::Desc natural = kernel_layout(of, of.units_first);
    const BufferId kernel_gradient = program.arena(natural);
    std::vector<BufferId> buffers{src, gradient, kernel_gradient};
    const onednn::Desc bias = onednn::plain({static_cast<std::int64_t>(of.units)});
    if (of.has_bias) buffers.push_back(program.arena(bias));
    program.append(layer.name, "products", weights_loop(of), buffers);
    to.add_parameter_gradient(dense.kernel, natural, kernel_gradient, layer.name);
    if (of.has_bias) to.add_parameter_gradient(dense.bias, bias, buffers.back(), layer.name);

    if (!to.needs_gradient(layer.inputs[0])) return;
    const BufferId kernel =
        to.parameter(dense.kernel, natural, kernel_layout(of, true), layer.name);
    const BufferId src_gradient = program.arena(onednn::plain(to.dims(layer.inputs[0])));
    program.append(layer.name, "products", data_loop(of, to.take_relu(layer.inputs[0])),
                   {gradient, kernel, src_gradient, src});
    to.add_gradient(layer.inputs[0], src_gradient);
}

}  // namespace

bool emit_small_dense(Emission& to, const PlanLayer& layer, const DenseLayer& dense) {
    const onednn::Dims src = to.dims(layer.inputs[0]);
    const std::int64_t units = to.dims(layer.outputs[0])[1];
    const bool has_relu = dense.activation && dense.activation->kind == Activation::Kind::relu;
    if (src[1] > kSmallWidth || units > kSmallWidth || (dense.activation && !has_relu)) {
        return false;
    }
    const SmallDense of{.rows = static_cast<std::size_t>(src[0]),
                        .in = static_cast<std::size_t>(src[1]),
                        .units = static_cast<std::size_t>(units),
                        .units_first = dense.units_first,
                        .has_bias = !dense.bias.empty(),
                        .has_relu = has_relu,
                        .negative_slope = has_relu ? dense.activation->negative_slope : 0.F};
    const BufferId source = to.plain_source(layer.inputs[0], layer.name);
    const onednn::Desc natural = kernel_layout(of, of.units_first);
    std::vector<BufferId> buffers{
        source, to.parameter(dense.kernel, natural, kernel_layout(of, false), layer.name),
        to.plain_destination(layer.outputs[0])};
    if (of.has_bias) {
        const onednn::Desc bias = onednn::plain({units});
        buffers.push_back(to.parameter(dense.bias, bias, bias, layer.name));
    }
    to.program().append(layer.name, "products", forward_loop(of), buffers);
    if (of.has_relu) to.offer_relu(layer.outputs[0], of.negative_slope);
    if (to.config().with_backward) {
        to.on_backward(layer, [&to, &layer, &dense, of] { emit_backward(to, layer, dense, of); });
    }
    return true;
}

}  // namespace tamis::engine
