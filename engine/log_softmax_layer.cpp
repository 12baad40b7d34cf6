// Logarithm of softmax along one axis, without ever taking the logarithm of a small softmax.
#include <algorithm>
#include <cmath>

#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

struct Lane {
    std::size_t extent;
    std::size_t step;

    void forward(const float* x, float* y) const {
        float largest = x[0];
        for (std::size_t i = 1; i < extent; ++i) largest = std::max(largest, x[i * step]);
        float sum = 0.F;
        for (std::size_t i = 0; i < extent; ++i) sum += std::exp(x[i * step] - largest);
        const float logarithm = std::log(sum);
        for (std::size_t i = 0; i < extent; ++i) y[i * step] = x[i * step] - largest - logarithm;
    }
    void backward(const float* y, const float* after, float* before) const {
        float sum = 0.F;
        for (std::size_t i = 0; i < extent; ++i) sum += after[i * step];
        for (std::size_t i = 0; i < extent; ++i) {
            before[i * step] = after[i * step] - std::exp(y[i * step]) * sum;
        }
    }
};

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const LogSoftmaxLayer& softmax) {
    const Shape& row = to.row_shape(layer.inputs[0]);
    Lane lane{static_cast<std::size_t>(row[softmax.axis]), 1};
    for (std::size_t axis = softmax.axis + 1; axis < row.rank(); ++axis) {
        lane.step *= static_cast<std::size_t>(row[axis]);
    }
    const std::size_t size = row.element_count();
    // Calls back with the first element of every lane of so many rows.
    const auto for_each_lane = [lane, size](std::size_t rows, const auto& call) {
        for (std::size_t first = 0; first < rows * size; first += lane.extent * lane.step) {
            for (std::size_t i = 0; i < lane.step; ++i) call(first + i);
        }
    };
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [lane, for_each_lane](std::span<float* const> b, std::size_t rows) {
            for_each_lane(rows, [&](std::size_t at) { lane.forward(b[0] + at, b[1] + at); });
        },
        {src, dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, lane, for_each_lane, dst] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(dst));
        to.program().append(layer.name, "loop",
                            [lane, for_each_lane](std::span<float* const> b, std::size_t rows) {
                                for_each_lane(rows, [&](std::size_t at) {
                                    lane.backward(b[0] + at, b[1] + at, b[2] + at);
                                });
                            },
                            {dst, after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
