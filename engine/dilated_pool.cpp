// Maximum pooling with gaps between the places of the window, by plain loops.
#include "engine/dilated_pool.hpp"

#include <algorithm>
#include <limits>

#include "engine/window_taps.hpp"

namespace tamis::engine {

namespace {

struct Planes {
    WindowTaps taps;
    std::size_t channels;
};

// The place of the largest; without a tap there is none.
const Tap* largest_tap(std::span<const Tap> taps, const float* plane) {
    const Tap* best = nullptr;
    for (const Tap& tap : taps) {
        if (best == nullptr || plane[tap.input] > plane[best->input]) best = &tap;
    }
    return best;
}

// Calls back with the offset of the source's largest element (or none) and that of the result.
template <class Call>
void for_each_window(const Planes& planes, const float* source, std::size_t rows,
                     const Call& call) {
    for (std::size_t plane = 0; plane < rows * planes.channels; ++plane) {
        const std::size_t first = plane * planes.taps.input_size;
        for (std::size_t p = 0; p < planes.taps.positions(); ++p) {
            const Tap* best = largest_tap(planes.taps.at(p), source + first);
            call(best == nullptr ? SIZE_MAX : first + best->input,
                 plane * planes.taps.positions() + p);
        }
    }
}

}  // namespace

void emit_dilated_pool(Emission& to, const PlanLayer& layer, const Window& window) {
    const Shape& source = to.row_shape(layer.inputs[0]);
    auto taps = window_taps(window, source, to.row_shape(layer.outputs[0]));
    if (!taps) throw EmissionError("layer " + layer.name + ": " + taps.error());
    const auto planes = std::make_shared<const Planes>(
        Planes{std::move(*taps), static_cast<std::size_t>(source[0])});
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [planes](std::span<float* const> b, std::size_t rows) {
            for_each_window(*planes, b[0], rows, [&](std::size_t from, std::size_t result) {
                b[1][result] = from == SIZE_MAX ? std::numeric_limits<float>::lowest() : b[0][from];
            });
        },
        {src, dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, planes, src] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        to.program().append(
            layer.name, "loop",
            [planes](std::span<float* const> b, std::size_t rows) {
                std::fill_n(b[2], rows * planes->channels * planes->taps.input_size, 0.F);
                for_each_window(*planes, b[0], rows, [&](std::size_t from, std::size_t result) {
                    if (from != SIZE_MAX) b[2][from] += b[1][result];
                });
            },
            {src, after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
