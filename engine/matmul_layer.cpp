// Products of matrices and stacks of them, each side a value or a weight, by plain loops: the
// innermost runs along rows of the right side. (A row vector with a weight is a dense layer.)
#include <algorithm>

#include "engine/emission.hpp"
#include "engine/strided_loops.hpp"

namespace tamis::engine {

namespace {

struct Product {
    StridedLoops<3> stack;  // left, right, result: where their matrices begin
    std::size_t height, inner, width;
    std::array<std::size_t, 3> row_size;  // 0 for a weight
    std::array<std::size_t, 2> element_count;

    template <class Matrix>
    void for_each_matrix(std::size_t rows, const Matrix& matrix) const {
        for (std::size_t row = 0; row < rows; ++row) {
            stack.for_each_run([&](const auto& at) {
                for (std::size_t i = 0; i < stack.run_length(); ++i) {
                    matrix(row * row_size[0] + at[0] + i * stack.run_step(0),
                           row * row_size[1] + at[1] + i * stack.run_step(1),
                           row * row_size[2] + at[2] + i * stack.run_step(2));
                }
            });
        }
    }
};

void multiply(const Product& p, const float* left, const float* right, float* result) {
    std::fill_n(result, p.height * p.width, 0.F);
    for (std::size_t m = 0; m < p.height; ++m) {
        for (std::size_t k = 0; k < p.inner; ++k) {
            const float factor = left[m * p.inner + k];
            for (std::size_t n = 0; n < p.width; ++n) {
                result[m * p.width + n] += factor * right[k * p.width + n];
            }
        }
    }
}

// Adds to both gradients.
void differentiate(const Product& p, const float* left, const float* right, const float* gradient,
                   float* left_gradient, float* right_gradient) {
    for (std::size_t m = 0; m < p.height; ++m) {
        for (std::size_t k = 0; k < p.inner; ++k) {
            const float factor = left[m * p.inner + k];
            float sum = 0.F;
            for (std::size_t n = 0; n < p.width; ++n) {
                sum += gradient[m * p.width + n] * right[k * p.width + n];
                right_gradient[k * p.width + n] += factor * gradient[m * p.width + n];
            }
            left_gradient[m * p.inner + k] += sum;
        }
    }
}

Shape stack_of(const Shape& shape) {
    auto stack = Shape::make(shape.dimensions().first(shape.rank() - 2));
    return *stack;
}

// Strides of the stack, in elements.
Strides stack_strides(const Shape& own, const Shape& result, std::size_t matrix) {
    Strides strides = repeated_strides(stack_of(own), stack_of(result));
    for (std::size_t& stride : strides) stride *= matrix;
    return strides;
}

void emit_backward(Emission& to, const PlanLayer& layer, const MatMulLayer& matmul,
                   const Product& product, const std::array<BufferId, 2>& sources) {
    std::vector<BufferId> buffers{sources[0], sources[1],
                                  to.plain_gradient(layer.outputs[0], layer.name)};
    for (const BufferId source : sources) buffers.push_back(to.program().arena(to.desc(source)));
    to.program().append(
        layer.name, "loop",
        [product](std::span<float* const> b, std::size_t rows) {
            for (std::size_t side = 0; side < 2; ++side) {
                const bool weight = product.row_size.at(side) == 0;
                std::fill_n(b[3 + side], product.element_count.at(side) * (weight ? 1 : rows), 0.F);
            }
            product.for_each_matrix(rows, [&](std::size_t x, std::size_t y, std::size_t z) {
                differentiate(product, b[0] + x, b[1] + y, b[2] + z, b[3] + x, b[4] + y);
            });
        },
        buffers);
    std::size_t input = 0;
    for (std::size_t side = 0; side < 2; ++side) {
        const std::string& weight = matmul.weights.at(side);
        if (!weight.empty()) {
            to.add_parameter_gradient(weight, to.weight_layout(weight), buffers[3 + side],
                                      layer.name);
        } else if (const int value = layer.inputs[input++]; to.needs_gradient(value)) {
            to.add_gradient(value, buffers[3 + side]);
        }
    }
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const MatMulLayer& matmul) {
    const Shape& result = to.row_shape(layer.outputs[0]);
    std::array<Shape, 2> own;
    std::array<BufferId, 2> sources{};
    std::array<std::size_t, 3> row_size{0, 0, result.element_count()};
    std::size_t input = 0;
    for (std::size_t side = 0; side < 2; ++side) {
        const std::string& weight = matmul.weights.at(side);
        const int value = weight.empty() ? layer.inputs[input++] : -1;
        own.at(side) = weight.empty() ? to.row_shape(value) : to.weight_shape(weight);
        sources.at(side) = weight.empty() ? to.plain_source(value, layer.name)
                                          : to.plain_parameter(weight, layer.name);
        if (weight.empty()) row_size.at(side) = own.at(side).element_count();
    }
    const auto height = static_cast<std::size_t>(result[result.rank() - 2]);
    const auto width = static_cast<std::size_t>(result[result.rank() - 1]);
    const auto inner = static_cast<std::size_t>(own[0][own[0].rank() - 1]);
    const Product product{
        StridedLoops<3>(stack_of(result), {stack_strides(own[0], result, height * inner),
                                           stack_strides(own[1], result, inner * width),
                                           stack_strides(result, result, height * width)}),
        height,
        inner,
        width,
        row_size,
        {own[0].element_count(), own[1].element_count()}};
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [product](std::span<float* const> b, std::size_t rows) {
            product.for_each_matrix(rows, [&](std::size_t x, std::size_t y, std::size_t z) {
                multiply(product, b[0] + x, b[1] + y, b[2] + z);
            });
        },
        {sources[0], sources[1], dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &matmul, product, sources] {
        emit_backward(to, layer, matmul, product, sources);
    });
}

}  // namespace tamis::engine
