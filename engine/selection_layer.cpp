// Along one axis of the row: the place of the largest (ArgMax), the k largest or smallest with
// their places (TopK). Equal ones come in order of their places, NaN after all others. Places are
// floats, exact for axes of up to 65,536. No derivative but of TopK's values.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

// A row as [outer, extent, inner].
struct Lanes {
    std::size_t outer = 1;
    std::size_t extent = 1;
    std::size_t inner = 1;

    Lanes(const Shape& row, std::size_t axis) : extent(static_cast<std::size_t>(row[axis])) {
        for (std::size_t k = 0; k < axis; ++k) outer *= static_cast<std::size_t>(row[k]);
        inner = row.element_count() / outer / extent;
    }
    [[nodiscard]] std::size_t size() const { return outer * extent * inner; }
};

struct BestLane {
    Lanes lanes;
    std::size_t kept;
    TopKLayer::Order order;
};

// Places of a lane's best elements, best first, in `places` (room for the whole lane).
void order_lane(const BestLane& best, const float* lane, float* places) {
    const auto key = [&](float place) {
        const float value = lane[static_cast<std::size_t>(place) * best.lanes.inner];
        if (std::isnan(value)) return -std::numeric_limits<float>::infinity();
        return best.order == TopKLayer::Order::largest ? value : -value;
    };
    for (std::size_t i = 0; i < best.lanes.extent; ++i) places[i] = static_cast<float>(i);
    std::partial_sort(places, places + best.kept, places + best.lanes.extent,
                      [&](float a, float b) {
                          const float x = key(a);
                          const float y = key(b);
                          return x != y ? x > y : a < b;
                      });
}

// Buffers: source, values, places, room for one lane.
void keep_best(const BestLane& best, std::span<float* const> b, std::size_t rows) {
    const Lanes& lanes = best.lanes;
    for (std::size_t outer = 0; outer < rows * lanes.outer; ++outer) {
        for (std::size_t inner = 0; inner < lanes.inner; ++inner) {
            const float* lane = b[0] + outer * lanes.extent * lanes.inner + inner;
            order_lane(best, lane, b[3]);
            for (std::size_t k = 0; k < best.kept; ++k) {
                const std::size_t at = (outer * best.kept + k) * lanes.inner + inner;
                b[1][at] = lane[static_cast<std::size_t>(b[3][k]) * lanes.inner];
                b[2][at] = b[3][k];
            }
        }
    }
}

// Buffers: places, gradient of the values, gradient of the source.
void scatter_best(const BestLane& best, std::span<float* const> b, std::size_t rows) {
    const Lanes& lanes = best.lanes;
    std::fill_n(b[2], rows * lanes.size(), 0.F);
    for (std::size_t outer = 0; outer < rows * lanes.outer; ++outer) {
        for (std::size_t k = 0; k < best.kept; ++k) {
            for (std::size_t inner = 0; inner < lanes.inner; ++inner) {
                const std::size_t at = (outer * best.kept + k) * lanes.inner + inner;
                const auto place = static_cast<std::size_t>(b[0][at]);
                b[2][(outer * lanes.extent + place) * lanes.inner + inner] += b[1][at];
            }
        }
    }
}

std::size_t place_of_largest(const float* lane, const Lanes& lanes, ArgMaxLayer::Of of) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < lanes.extent; ++i) {
        const float here = lane[i * lanes.inner];
        const float there = lane[best * lanes.inner];
        if (here > there || (of == ArgMaxLayer::Of::last && here == there)) best = i;
    }
    return best;
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const ArgMaxLayer& selection) {
    to.refuse_derivative(layer);
    const Lanes lanes(to.row_shape(layer.inputs[0]), selection.axis);
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [lanes, of = selection.of](std::span<float* const> b, std::size_t rows) {
            for (std::size_t outer = 0; outer < rows * lanes.outer; ++outer) {
                for (std::size_t inner = 0; inner < lanes.inner; ++inner) {
                    const float* lane = b[0] + outer * lanes.extent * lanes.inner + inner;
                    b[1][outer * lanes.inner + inner] =
                        static_cast<float>(place_of_largest(lane, lanes, of));
                }
            }
        },
        {src, dst}, ProgramBuilder::Rows::any);
}

void emit(Emission& to, const PlanLayer& layer, const TopKLayer& selection) {
    const Shape& row = to.row_shape(layer.inputs[0]);
    const BestLane best{Lanes(row, selection.axis),
                        static_cast<std::size_t>(to.row_shape(layer.outputs[0])[selection.axis]),
                        selection.order};
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId values = to.plain_destination(layer.outputs[0]);
    const BufferId places = to.plain_destination(layer.outputs[1]);
    const BufferId room =
        to.program().arena(onednn::plain({static_cast<std::int64_t>(best.lanes.extent)}));
    to.program().append(
        layer.name, "loop",
        [best](std::span<float* const> b, std::size_t rows) { keep_best(best, b, rows); },
        {src, values, places, room}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, best, src, places] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        to.program().append(
            layer.name, "loop",
            [best](std::span<float* const> b, std::size_t rows) { scatter_best(best, b, rows); },
            {places, after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
