// Arithmetic of two sides that are repeated against each other, by plain loops over strides. A
// weight has no row stride, so its gradient adds up over the batch by itself. The exponent of a
// power is never learned where it is a weight: its gradient has a logarithm of the base.
#include <algorithm>
#include <cmath>

#include "engine/emission.hpp"
#include "engine/strided_loops.hpp"

namespace tamis::engine {

namespace {

using Kind = ArithmeticLayer::Kind;

struct Sides {
    StridedLoops<3> loops;                // left, right, result
    std::array<std::size_t, 3> row_size;  // 0 for a weight
    std::array<std::size_t, 2> element_count;
};

template <class Use>
void with_value(Kind kind, const Use& use) {
    switch (kind) {
        case Kind::add:
            return use([](float a, float b) { return a + b; });
        case Kind::subtract:
            return use([](float a, float b) { return a - b; });
        case Kind::multiply:
            return use([](float a, float b) { return a * b; });
        case Kind::divide:
            return use([](float a, float b) { return a / b; });
        case Kind::power:
            return use([](float a, float b) { return std::pow(a, b); });
        case Kind::slope:
            return use([](float a, float b) { return a >= 0.F ? a : a * b; });
    }
}

struct Slopes {
    float left;
    float right;
};

template <class Use>
void with_slopes(Kind kind, const Use& use) {
    switch (kind) {
        case Kind::add:
            return use([](float, float) { return Slopes{1.F, 1.F}; });
        case Kind::subtract:
            return use([](float, float) { return Slopes{1.F, -1.F}; });
        case Kind::multiply:
            return use([](float a, float b) { return Slopes{b, a}; });
        case Kind::divide:
            return use([](float a, float b) { return Slopes{1.F / b, -a / (b * b)}; });
        case Kind::power:
            return use([](float a, float b) {
                return Slopes{b * std::pow(a, b - 1.F), std::pow(a, b) * std::log(a)};
            });
        case Kind::slope:
            return use([](float a, float b) { return a >= 0.F ? Slopes{1.F, 0.F} : Slopes{b, a}; });
    }
}

struct Steps {
    std::size_t left, right;
};

template <class Value>
void combine(const float* a, const float* b, float* y, std::size_t length, Steps steps,
             Value value) {
    if (steps.left == 1 && steps.right == 1) {
        for (std::size_t i = 0; i < length; ++i) y[i] = value(a[i], b[i]);
    } else if (steps.left == 1) {
        for (std::size_t i = 0; i < length; ++i) y[i] = value(a[i], *b);
    } else {
        for (std::size_t i = 0; i < length; ++i) {
            y[i] = value(a[i * steps.left], b[i * steps.right]);
        }
    }
}

// Both sides are as long as the result, so that rows follow one another without a gap.
bool is_one_run(const Sides& sides) {
    const std::size_t length = sides.loops.run_length();
    const bool side_by_side =
        length == 1 || (sides.loops.run_step(0) == 1 && sides.loops.run_step(1) == 1);
    return side_by_side && sides.row_size == std::array{length, length, length};
}

template <class Value>
Loop forward_loop(const Sides& sides, Value value) {
    if (is_one_run(sides)) {
        return [length = sides.loops.run_length(), value](std::span<float* const> buffers,
                                                          std::size_t rows) {
            combine(buffers[0], buffers[1], buffers[2], rows * length, {1, 1}, value);
        };
    }
    return [sides, value](std::span<float* const> buffers, std::size_t rows) {
        const Steps steps{sides.loops.run_step(0), sides.loops.run_step(1)};
        for (std::size_t row = 0; row < rows; ++row) {
            const float* left = buffers[0] + row * sides.row_size[0];
            const float* right = buffers[1] + row * sides.row_size[1];
            float* result = buffers[2] + row * sides.row_size[2];
            sides.loops.for_each_run([&](const auto& at) {
                combine(left + at[0], right + at[1], result + at[2], sides.loops.run_length(),
                        steps, value);
            });
        }
    };
}

// Buffers: left, right, gradient of the result, gradients of left and right.
template <class SlopesOf>
void differentiate_row(const Sides& sides, std::span<float* const> buffers, std::size_t row,
                       SlopesOf slopes_of) {
    const float* gradient = buffers[2] + row * sides.row_size[2];
    sides.loops.for_each_run([&](const auto& at) {
        for (std::size_t i = 0; i < sides.loops.run_length(); ++i) {
            const std::size_t a = row * sides.row_size[0] + at[0] + i * sides.loops.run_step(0);
            const std::size_t b = row * sides.row_size[1] + at[1] + i * sides.loops.run_step(1);
            const Slopes slopes = slopes_of(buffers[0][a], buffers[1][b]);
            buffers[3][a] += slopes.left * gradient[at[2] + i];
            buffers[4][b] += slopes.right * gradient[at[2] + i];
        }
    });
}

template <class SlopesOf>
Loop backward_loop(const Sides& sides, SlopesOf slopes_of) {
    return [sides, slopes_of](std::span<float* const> buffers, std::size_t rows) {
        for (std::size_t side = 0; side < 2; ++side) {
            const bool weight = sides.row_size.at(side) == 0;
            std::fill_n(buffers[3 + side], sides.element_count.at(side) * (weight ? 1 : rows), 0.F);
        }
        for (std::size_t row = 0; row < rows; ++row) {
            differentiate_row(sides, buffers, row, slopes_of);
        }
    };
}

void emit_backward(Emission& to, const PlanLayer& layer, const ArithmeticLayer& arithmetic,
                   const Sides& sides, const std::array<BufferId, 2>& sources) {
    std::vector<BufferId> buffers{sources[0], sources[1],
                                  to.plain_gradient(layer.outputs[0], layer.name)};
    for (const BufferId source : sources) buffers.push_back(to.program().arena(to.desc(source)));
    with_slopes(arithmetic.kind, [&](auto slopes_of) {
        to.program().append(layer.name, "loop", backward_loop(sides, slopes_of), buffers);
    });
    std::size_t input = 0;
    for (std::size_t side = 0; side < 2; ++side) {
        const std::string& weight = arithmetic.weights.at(side);
        if (weight.empty()) {
            const int value = layer.inputs[input++];
            if (to.needs_gradient(value)) to.add_gradient(value, buffers[3 + side]);
        } else if (arithmetic.kind != Kind::power || side == 0) {
            to.add_parameter_gradient(weight, to.weight_layout(weight), buffers[3 + side],
                                      layer.name);
        }
    }
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const ArithmeticLayer& arithmetic) {
    const Shape& result = to.row_shape(layer.outputs[0]);
    std::array<BufferId, 2> sources{};
    std::array<Strides, 3> strides;
    strides[2] = repeated_strides(result, result);
    std::array<std::size_t, 3> row_size{0, 0, result.element_count()};
    std::array<std::size_t, 2> element_count{};
    std::size_t input = 0;
    for (std::size_t side = 0; side < 2; ++side) {
        const std::string& weight = arithmetic.weights.at(side);
        const int value = weight.empty() ? layer.inputs[input++] : -1;
        const Shape& own = weight.empty() ? to.row_shape(value) : to.weight_shape(weight);
        sources.at(side) = weight.empty() ? to.plain_source(value, layer.name)
                                          : to.plain_parameter(weight, layer.name);
        strides.at(side) = repeated_strides(own, result);
        element_count.at(side) = own.element_count();
        if (weight.empty()) row_size.at(side) = own.element_count();
    }
    const Sides sides{StridedLoops<3>(result, strides), row_size, element_count};
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    with_value(arithmetic.kind, [&](auto value) {
        to.program().append(layer.name, "loop", forward_loop(sides, value),
                            {sources[0], sources[1], dst}, ProgramBuilder::Rows::any);
    });
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &arithmetic, sides, sources] {
        emit_backward(to, layer, arithmetic, sides, sources);
    });
}

}  // namespace tamis::engine
