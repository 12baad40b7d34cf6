// Slice, Gather, Pad, Expand: blocks of neighbouring elements move, or are filled. Forward gathers,
// backward scatters and adds.
#include <algorithm>

#include "engine/emission.hpp"

namespace tamis::engine {

void emit(Emission& to, const PlanLayer& layer, const MovementLayer& movement) {
    const Shape& source = to.row_shape(layer.inputs[0]);
    const std::size_t source_size = source.element_count();
    const std::size_t result_size = to.row_shape(layer.outputs[0]).element_count();
    const BlockMoves moves(movement.maps, source.dimensions());
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [moves, source_size, result_size, fill = movement.maps.fill](std::span<float* const> b,
                                                                     std::size_t rows) {
            for (std::size_t row = 0; row < rows; ++row) {
                const float* from = b[0] + row * source_size;
                float* result = b[1] + row * result_size;
                moves.for_each([&](std::size_t to_place, std::int64_t from_place) {
                    if (from_place < 0) {
                        std::fill_n(result + to_place, moves.block(), fill);
                    } else {
                        std::copy_n(from + from_place, moves.block(), result + to_place);
                    }
                });
            }
        },
        {src, dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, moves, src, source_size, result_size] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        to.program().append(
            layer.name, "loop",
            [moves, source_size, result_size](std::span<float* const> b, std::size_t rows) {
                std::fill_n(b[1], rows * source_size, 0.F);
                for (std::size_t row = 0; row < rows; ++row) {
                    const float* gradient = b[0] + row * result_size;
                    float* sum = b[1] + row * source_size;
                    moves.for_each([&](std::size_t to_place, std::int64_t from_place) {
                        if (from_place < 0) return;
                        for (std::size_t i = 0; i < moves.block(); ++i) {
                            sum[static_cast<std::size_t>(from_place) + i] += gradient[to_place + i];
                        }
                    });
                }
            },
            {after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
