// Slice, Gather, Pad, Expand: blocks of neighbouring elements move, or are filled. Forward gathers,
// backward scatters and adds.
#include <algorithm>

#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

struct Movement {
    BlockMoves moves;
    std::size_t source_size;
    std::size_t result_size;
    float fill;
};

void gather(const Movement& m, const float* source, float* result) {
    m.moves.for_each([&](std::size_t to, std::int64_t from) {
        if (from < 0) {
            std::fill_n(result + to, m.moves.block(), m.fill);
        } else {
            std::copy_n(source + from, m.moves.block(), result + to);
        }
    });
}

void scatter(const Movement& m, const float* gradient, float* sum) {
    std::fill_n(sum, m.source_size, 0.F);
    m.moves.for_each([&](std::size_t to, std::int64_t from) {
        if (from < 0) return;
        for (std::size_t i = 0; i < m.moves.block(); ++i) {
            sum[static_cast<std::size_t>(from) + i] += gradient[to + i];
        }
    });
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const MovementLayer& movement) {
    const Shape& source = to.row_shape(layer.inputs[0]);
    const Movement made{BlockMoves(movement.maps, source.dimensions()), source.element_count(),
                        to.row_shape(layer.outputs[0]).element_count(), movement.maps.fill};
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [made](std::span<float* const> b, std::size_t rows) {
            for (std::size_t row = 0; row < rows; ++row) {
                gather(made, b[0] + row * made.source_size, b[1] + row * made.result_size);
            }
        },
        {src, dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, made, src] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        to.program().append(layer.name, "loop",
                            [made](std::span<float* const> b, std::size_t rows) {
                                for (std::size_t row = 0; row < rows; ++row) {
                                    scatter(made, b[0] + row * made.result_size,
                                            b[1] + row * made.source_size);
                                }
                            },
                            {after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
