// Functions of one element by plain loops: any number of rows, the same bits for an element
// wherever it stands. The backward pass reads the source.
#include <cmath>
#include <numbers>

#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

using Function = ElementwiseLayer::Function;

// One function per case, chosen outside the loop.
template <class Use>
void with_value(const ElementwiseLayer& layer, const Use& use) {
    const float first = layer.first;
    const float second = layer.second;
    switch (layer.function) {
        case Function::exp:
            return use([](float x) { return std::exp(x); });
        case Function::log:
            return use([](float x) { return std::log(x); });
        case Function::sqrt:
            return use([](float x) { return std::sqrt(x); });
        case Function::erf:
            return use([](float x) { return std::erf(x); });
        case Function::abs:
            return use([](float x) { return std::abs(x); });
        case Function::negate:
            return use([](float x) { return -x; });
        case Function::clip:
            return use([=](float x) { return x < first ? first : x > second ? second : x; });
        case Function::elu:
            return use([=](float x) { return x >= 0.F ? x : first * std::expm1(x); });
        case Function::selu:
            return use([=](float x) { return second * (x > 0.F ? x : first * std::expm1(x)); });
        case Function::hard_sigmoid:
            return use([=](float x) {
                const float y = first * x + second;
                return y < 0.F ? 0.F : y > 1.F ? 1.F : y;
            });
        case Function::softplus:
            return use(
                [](float x) { return (x > 0.F ? x : 0.F) + std::log1p(std::exp(-std::abs(x))); });
    }
}

template <class Use>
void with_slope(const ElementwiseLayer& layer, const Use& use) {
    const float first = layer.first;
    const float second = layer.second;
    switch (layer.function) {
        case Function::exp:
            return use([](float x) { return std::exp(x); });
        case Function::log:
            return use([](float x) { return 1.F / x; });
        case Function::sqrt:
            return use([](float x) { return 0.5F / std::sqrt(x); });
        case Function::erf:
            return use(
                [](float x) { return 2.F * std::numbers::inv_sqrtpi_v<float> * std::exp(-x * x); });
        case Function::abs:
            return use([](float x) { return x > 0.F ? 1.F : x < 0.F ? -1.F : 0.F; });
        case Function::negate:
            return use([](float) { return -1.F; });
        case Function::clip:
            return use([=](float x) { return x < first || x > second ? 0.F : 1.F; });
        case Function::elu:
            return use([=](float x) { return x >= 0.F ? 1.F : first * std::exp(x); });
        case Function::selu:
            return use([=](float x) { return second * (x > 0.F ? 1.F : first * std::exp(x)); });
        case Function::hard_sigmoid:
            return use([=](float x) {
                const float y = first * x + second;
                return y < 0.F || y > 1.F ? 0.F : first;
            });
        case Function::softplus:
            return use([](float x) { return 1.F / (1.F + std::exp(-x)); });
    }
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const ElementwiseLayer& elementwise) {
    const std::size_t size = to.row_shape(layer.outputs[0]).element_count();
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    with_value(elementwise, [&](auto value) {
        to.program().append(
            layer.name, "loop",
            [value, size](std::span<float* const> buffers, std::size_t rows) {
                for (std::size_t i = 0; i < rows * size; ++i) {
                    buffers[1][i] = value(buffers[0][i]);
                }
            },
            {src, dst}, ProgramBuilder::Rows::any);
    });
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &elementwise, src, size] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        with_slope(elementwise, [&](auto slope) {
            to.program().append(
                layer.name, "loop",
                [slope, size](std::span<float* const> buffers, std::size_t rows) {
                    for (std::size_t i = 0; i < rows * size; ++i) {
                        buffers[2][i] = slope(buffers[0][i]) * buffers[1][i];
                    }
                },
                {src, after, before}, ProgramBuilder::Rows::any);
        });
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
