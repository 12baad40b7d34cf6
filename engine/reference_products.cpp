// Reference products of matrices.
#include "engine/reference_values.hpp"

namespace tamis::engine::reference {

namespace {

Values dense(const Evaluation& at, const Node& node) {
    const Shape& kernel = at.graph.weights.at(node.inputs[1]).shape;
    const bool transposed = node.integer("transB", 0) != 0;
    const double alpha = node.real("alpha", 1.F);
    const double beta = node.real("beta", 1.F);
    const auto units = static_cast<std::size_t>(at.out(node)[0]);
    const auto ins = static_cast<std::size_t>(at.in(node)[0]);
    const auto columns = static_cast<std::size_t>(kernel[1]);
    const Values& x = at.value(node, 0);
    const FloatBuffer& weights = at.weight(node, 1);
    Values y(at.rows * units);
    for (std::size_t row = 0; row < at.rows; ++row) {
        for (std::size_t unit = 0; unit < units; ++unit) {
            double sum = 0.0;
            for (std::size_t k = 0; k < ins; ++k) {
                const std::size_t place = transposed ? unit * columns + k : k * columns + unit;
                sum += x[row * ins + k] * weights[place];
            }
            const double bias = node.inputs.size() > 2 ? at.weight(node, 2)[unit] : 0.0;
            y[row * units + unit] = alpha * sum + beta * bias;
        }
    }
    return y;
}

Values matmul(const Evaluation& at, const Node& node) {
    const Axes left = extents(at.shape(node, 0));
    const Axes right = extents(at.shape(node, 1));
    const std::size_t inner = left.back();
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(extents(at.out(node)), [&](const Axes& index) {
            Axes left_index = index;
            Axes right_index = index;
            double sum = 0.0;
            for (std::size_t k = 0; k < inner; ++k) {
                left_index[index.size() - 1] = k;
                right_index[index.size() - 2] = k;
                sum += at.element(node, 0, row, repeated_offset(left_index, left)) *
                       at.element(node, 1, row, repeated_offset(right_index, right));
            }
            y.push_back(sum);
        });
    }
    return y;
}

}  // namespace

Results evaluate_product(const Evaluation& at, const Node& node) {
    if (node.op != "Gemm" && node.op != "MatMul") return {};
    const bool rows_are_vectors = !at.is_weight(node, 0) && at.in(node).rank() == 1;
    return {rows_are_vectors ? dense(at, node) : matmul(at, node)};
}

}  // namespace tamis::engine::reference
