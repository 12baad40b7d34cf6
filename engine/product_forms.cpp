// Normal forms of Gemm and MatMul. What is no row vector times a weight becomes transposes, a
// general product and arithmetic.
#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

namespace {

using NameResult = tl::expected<std::string, std::string>;
using Dimensions = std::vector<std::int64_t>;

bool is_dense(const Rewrite& at) {
    const Shape* x = at.row(0);
    const OnnxConstant* w = at.arguments.constant(1);
    return x != nullptr && x->rank() == 1 && w != nullptr && w->dimensions.size() == 2;
}

// A bias of one value or one row of units is one value per unit.
NameResult dense_bias(const Rewrite& at, const Shape& units) {
    const Dimensions& given = at.arguments.constant(2)->dimensions;
    const std::size_t count = at.arguments.constant(2)->count();
    const bool one_row = given.size() == 2 && given[0] == 1 && count == units.element_count();
    const bool repeated = given.size() <= 2 && (count == 1 || one_row);
    return repeated ? at.weight(2, units) : at.weight(2);
}

Rewritten dense(const Rewrite& at, float alpha, float beta, bool transposed) {
    const auto kernel = at.weight(1);
    if (!kernel) return tl::unexpected(kernel.error());
    std::vector<std::string> inputs{at.node().inputs[0], *kernel};
    if (at.arguments.constant(2) != nullptr) {
        const Shape& shape = at.form.graph.weights.at(*kernel).shape;
        const auto bias = dense_bias(at, Shape{shape[transposed ? 0 : 1]});
        if (!bias) return tl::unexpected(bias.error());
        inputs.push_back(*bias);
    }
    std::map<std::string, Attribute> attributes;
    if (alpha != 1.F) attributes["alpha"] = alpha;
    if (beta != 1.F) attributes["beta"] = beta;
    if (transposed) attributes["transB"] = std::int64_t{1};
    return at.finish("Gemm", inputs, std::move(attributes));
}

// One side of a general product as a matrix.
NameResult matrix(const Rewrite& at, std::size_t input, bool transposed) {
    if (at.row(input) != nullptr) {
        const std::string& value = at.node().inputs[input];
        if (at.row(input)->rank() != 2) {
            return refuse_form("matrices of two dimensions are needed; a row " +
                               at.row(input)->text() + " would mix a batch (unsupported)");
        }
        return transposed ? at.step("Transpose", {value}, {{"perm", Dimensions{0, 2, 1}}}) : value;
    }
    const auto name = at.weight(input);
    if (!name) return name;
    const Tensor& from = at.form.graph.weights.at(*name);
    if (from.shape.rank() != 2) return refuse_form("matrices of two dimensions are needed");
    if (!transposed) return name;
    const auto turned = at.new_weight("turned", Shape{from.shape[1], from.shape[0]}, 0.F);
    if (!turned) return turned;
    const Tensor& source = at.form.graph.weights.at(*name);
    FloatBuffer& values = at.form.graph.weights.at(*turned).values;
    const auto width = static_cast<std::size_t>(source.shape[1]);
    const std::size_t height = values.size() / width;
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = source.values[i % height * width + i / height];
    }
    return turned;
}

// factor * name: a weight is changed in a copy, a value by a layer.
NameResult scaled(const Rewrite& at, const NameResult& name, float factor) {
    if (!name || factor == 1.F) return name;
    const auto weight = at.new_weight("factor", Shape{}, factor);
    if (!weight) return weight;
    return at.step("Mul", {*name, *weight});
}

NameResult gemm_addend(const Rewrite& at, float beta) {
    if (at.row(2) != nullptr) {
        std::string value = at.node().inputs[2];
        Dimensions dimensions(at.row(2)->dimensions().begin(), at.row(2)->dimensions().end());
        while (at.whole() && dimensions.size() < 2) dimensions.insert(dimensions.begin(), 1);
        const auto shape = Shape::make(dimensions);
        if (!shape) return tl::unexpected(shape.error());
        return scaled(at, at.in_row(value, *shape), beta);
    }
    const auto bias = at.weight(2);
    if (!bias || beta == 1.F) return bias;
    const Tensor from = at.form.graph.weights.at(*bias);
    auto name = at.new_weight("bias", from.shape, 0.F);
    if (!name) return name;
    for (std::size_t i = 0; i < from.values.size(); ++i) {
        at.form.graph.weights.at(*name).values[i] = beta * from.values[i];
    }
    return name;
}

Rewritten gemm(const Rewrite& at) {
    const float alpha = at.node().real("alpha", 1.F);
    const float beta = at.node().real("beta", 1.F);
    const bool left_turned = at.node().integer("transA", 0) != 0;
    const bool right_turned = at.node().integer("transB", 0) != 0;
    const bool value_added = at.row(2) != nullptr;
    if (is_dense(at) && !left_turned && !value_added && !at.whole()) {
        return dense(at, alpha, beta, right_turned);
    }
    if (left_turned && !at.whole()) {
        return refuse_form("transA = 1 would mix the rows of a batch; supported is transA = 0");
    }
    NameResult product;
    if (is_dense(at) && !at.whole()) {
        const auto kernel = at.weight(1);
        if (!kernel) return tl::unexpected(kernel.error());
        std::map<std::string, Attribute> attributes;
        if (right_turned) attributes["transB"] = std::int64_t{1};
        product = at.step("Gemm", {at.node().inputs[0], *kernel}, std::move(attributes));
    } else {
        const auto left = matrix(at, 0, left_turned);
        const auto right = matrix(at, 1, right_turned);
        if (!left) return tl::unexpected(left.error());
        if (!right) return tl::unexpected(right.error());
        product = at.step("MatMul", {*left, *right});
    }
    product = scaled(at, product, alpha);
    if (!product) return tl::unexpected(product.error());
    if (!at.arguments.has(2)) return at.finish("Identity", {*product});
    const auto addend = gemm_addend(at, beta);
    if (!addend) return tl::unexpected(addend.error());
    return at.finish("Add", {*product, *addend});
}

// One side of MatMul with at least two dimensions (a vector gets one in front or behind) and, in a
// whole tensor, with this rank.
NameResult stacked(const Rewrite& at, std::size_t input, std::size_t rank) {
    const Shape* row = at.row(input);
    Dimensions dimensions = row != nullptr
                                ? Dimensions(row->dimensions().begin(), row->dimensions().end())
                                : at.arguments.constant(input)->dimensions;
    if (dimensions.size() == 1)
        dimensions.insert(input == 0 ? dimensions.begin() : dimensions.end(), 1);
    if (row != nullptr && at.whole()) {
        dimensions.insert(dimensions.begin(), rank - std::min(rank, dimensions.size()), 1);
    }
    while (row == nullptr && dimensions.size() > rank && dimensions[0] == 1) {
        dimensions.erase(dimensions.begin());
    }
    const auto shape = Shape::make(dimensions);
    if (!shape) return tl::unexpected(shape.error());
    if (row != nullptr) return at.in_row(at.node().inputs[input], *shape);
    return at.weight(input, *shape);
}

std::size_t given_rank(const Rewrite& at, std::size_t input) {
    const Shape* row = at.row(input);
    return row != nullptr ? row->rank() : at.arguments.constant(input)->dimensions.size();
}

Rewritten matmul(const Rewrite& at) {
    for (std::size_t input = 0; input < 2; ++input) {
        if (at.row(input) == nullptr && at.arguments.constant(input) == nullptr) {
            return refuse_form("needs two inputs");
        }
        if (given_rank(at, input) == 0) return refuse_form("a number is no matrix");
    }
    if (is_dense(at)) {
        const auto kernel = at.weight(1);
        if (!kernel) return tl::unexpected(kernel.error());
        return at.finish("MatMul", {at.node().inputs[0], *kernel});
    }
    // A row vector of a batch is a matrix with it: only a constant may be a vector then.
    const auto is_vector = [&](std::size_t input) {
        return given_rank(at, input) == 1 && (at.whole() || at.row(input) == nullptr);
    };
    const bool batched_vector = !at.whole() && at.row(0) != nullptr && at.row(0)->rank() == 1;
    std::size_t rank = 2;
    for (std::size_t input = 0; input < 2; ++input) {
        if (at.row(input) != nullptr || at.whole()) rank = std::max(rank, given_rank(at, input));
    }
    // [batch, in] times [in]: a dense layer of one unit.
    const auto left = batched_vector ? NameResult(at.node().inputs[0]) : stacked(at, 0, rank);
    const auto right = stacked(at, 1, rank);
    if (!left) return tl::unexpected(left.error());
    if (!right) return tl::unexpected(right.error());
    if (!is_vector(0) && !is_vector(1)) return at.finish("MatMul", {*left, *right});
    const auto product = at.step("MatMul", {*left, *right});
    if (!product) return tl::unexpected(product.error());
    const auto made = at.form.shapes.at(*product).dimensions();
    Dimensions row(made.begin(), made.end());
    if (is_vector(1)) row.pop_back();
    if (is_vector(0)) row.erase(row.end() - (is_vector(1) ? 1 : 2));
    return at.finish("Reshape", {*product}, {{"shape", std::move(row)}});
}

constexpr std::array kForms = {
    Form{"Gemm", gemm, {"alpha", "beta", "transA", "transB", "broadcast"}},
    Form{"MatMul", matmul},
};

}  // namespace

std::span<const Form> product_forms() { return kForms; }

}  // namespace tamis::engine
