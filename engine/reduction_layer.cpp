// Reductions over axes of the row by plain loops. Runs along a reduced axis are added in double, so
// that long sums keep float's precision. A maximum shares its gradient among equal ones.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/emission.hpp"
#include "engine/strided_loops.hpp"

namespace tamis::engine {

namespace {

using ReductionKind = ReductionLayer::Kind;

struct Reduction {
    ReductionKind kind;
    StridedLoops<2> loops;  // source, result
    std::size_t source_size;
    std::size_t result_size;

    [[nodiscard]] bool of_squares() const {
        return kind == ReductionKind::l2 || kind == ReductionKind::sum_of_squares;
    }
    [[nodiscard]] float count() const {
        return static_cast<float>(source_size) / static_cast<float>(result_size);
    }
};

void add_run(const Reduction& r, const float* source, float* result, std::size_t step) {
    const std::size_t length = r.loops.run_length();
    if (step == 0) {
        double sum = 0.0;
        if (r.of_squares()) {
            for (std::size_t i = 0; i < length; ++i) {
                sum += static_cast<double>(source[i]) * source[i];
            }
        } else {
            for (std::size_t i = 0; i < length; ++i) sum += source[i];
        }
        *result += static_cast<float>(sum);
        return;
    }
    for (std::size_t i = 0; i < length; ++i) {
        result[i * step] += r.of_squares() ? source[i] * source[i] : source[i];
    }
}

void raise_run(const Reduction& r, const float* source, float* result, std::size_t step) {
    for (std::size_t i = 0; i < r.loops.run_length(); ++i) {
        result[i * step] = std::max(result[i * step], source[i]);
    }
}

void reduce_row(const Reduction& r, const float* source, float* result) {
    const bool maximum = r.kind == ReductionKind::max;
    std::fill_n(result, r.result_size, maximum ? -std::numeric_limits<float>::infinity() : 0.F);
    const std::size_t step = r.loops.run_step(1);
    r.loops.for_each_run([&](const auto& at) {
        if (maximum) {
            raise_run(r, source + at[0], result + at[1], step);
        } else {
            add_run(r, source + at[0], result + at[1], step);
        }
    });
    for (std::size_t i = 0; i < r.result_size; ++i) {
        if (r.kind == ReductionKind::mean) result[i] /= r.count();
        if (r.kind == ReductionKind::l2) result[i] = std::sqrt(result[i]);
    }
}

// Of the result by one element of the source; share: how many equal the maximum.
float slope(ReductionKind kind, float x, float result, float share) {
    switch (kind) {
        case ReductionKind::max:
            return x == result ? 1.F / share : 0.F;
        case ReductionKind::l2:
            return result > 0.F ? x / result : 0.F;
        case ReductionKind::sum_of_squares:
            return 2.F * x;
        default:
            return 1.F;
    }
}

// Buffers: source, result, gradient of the result, gradient of the source, shares.
void differentiate_row(const Reduction& r, std::span<float* const> b, std::size_t row) {
    const float* source = b[0] + row * r.source_size;
    const float* result = b[1] + row * r.result_size;
    const float* after = b[2] + row * r.result_size;
    float* before = b[3] + row * r.source_size;
    float* share = b[4];
    const std::size_t step = r.loops.run_step(1);
    const float factor = r.kind == ReductionKind::mean ? 1.F / r.count() : 1.F;
    std::fill_n(share, r.result_size, 0.F);
    r.loops.for_each_run([&](const auto& at) {
        for (std::size_t i = 0; i < r.loops.run_length(); ++i) {
            const std::size_t to = at[1] + i * step;
            if (source[at[0] + i] == result[to]) share[to] += 1.F;
        }
    });
    r.loops.for_each_run([&](const auto& at) {
        for (std::size_t i = 0; i < r.loops.run_length(); ++i) {
            const std::size_t to = at[1] + i * step;
            before[at[0] + i] =
                factor * after[to] * slope(r.kind, source[at[0] + i], result[to], share[to]);
        }
    });
}

Strides result_strides(const Shape& row, const std::vector<std::size_t>& axes) {
    Strides strides(row.rank(), 0);
    std::size_t stride = 1;
    for (std::size_t axis = row.rank(); axis-- > 0;) {
        if (std::ranges::find(axes, axis) != axes.end()) continue;
        strides[axis] = stride;
        stride *= static_cast<std::size_t>(row[axis]);
    }
    return strides;
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const ReductionLayer& reduction) {
    const Shape& row = to.row_shape(layer.inputs[0]);
    const Reduction made{
        reduction.kind,
        StridedLoops<2>(row, {repeated_strides(row, row), result_strides(row, reduction.axes)}),
        row.element_count(), to.row_shape(layer.outputs[0]).element_count()};
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [made](std::span<float* const> b, std::size_t rows) {
            for (std::size_t i = 0; i < rows; ++i) {
                reduce_row(made, b[0] + i * made.source_size, b[1] + i * made.result_size);
            }
        },
        {src, dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, made, src, dst] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        const BufferId share = to.program().arena(to.desc(dst));
        to.program().append(layer.name, "loop",
                            [made](std::span<float* const> b, std::size_t rows) {
                                for (std::size_t i = 0; i < rows; ++i) {
                                    differentiate_row(made, b, i);
                                }
                            },
                            {src, dst, after, before, share});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
