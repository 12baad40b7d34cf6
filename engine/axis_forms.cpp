// Normal forms of softmax, reductions and selections along axes.
#include <algorithm>
#include <numeric>

#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

namespace {

using Dimensions = std::vector<std::int64_t>;

// Before opset 13: all dimensions from the axis on were taken together.
Rewritten coerced_softmax(const Rewrite& at, std::size_t axis) {
    const Shape row = *at.row(0);
    const std::size_t first = at.whole() ? axis : axis - 1;  // of the row
    std::int64_t before = 1;
    std::int64_t after = 1;
    for (std::size_t k = 0; k < row.rank(); ++k) (k < first ? before : after) *= row[k];
    Dimensions flat{after};
    if (first > 0) flat.insert(flat.begin(), before);
    const auto shape = Shape::make(flat);
    if (!shape) return tl::unexpected(shape.error());
    const auto x = at.in_row(at.node().inputs[0], *shape);
    if (!x) return tl::unexpected(x.error());
    const auto y = at.step(at.node().op, {*x}, {{"axis", static_cast<std::int64_t>(flat.size())}});
    if (!y) return tl::unexpected(y.error());
    return at.finish("Reshape", {*y},
                     {{"shape", Dimensions(row.dimensions().begin(), row.dimensions().end())}});
}

Rewritten softmax(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs one value");
    const std::size_t rank = at.dimensions(0).size();
    const bool per_axis = at.opset() >= 13;
    const auto plain = plain_axis(at.node().integer("axis", per_axis ? -1 : 1), rank);
    if (!plain) return tl::unexpected(plain.error());
    const auto axis = at.axis(*plain);
    if (!axis) return tl::unexpected(axis.error());
    if (!per_axis && *plain + 1 != rank) return coerced_softmax(at, *plain);
    return at.finish(at.node().op, {at.node().inputs[0]}, {{"axis", *axis}});
}

Rewritten reduction(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs one value");
    const std::size_t rank = at.dimensions(0).size();
    if (at.arguments.has(1) && at.arguments.constant(1) == nullptr) {
        return refuse_form("axes must be constant");
    }
    Dimensions given = at.arguments.integers("axes", 1).value_or(Dimensions{});
    if (given.empty() && at.node().integer("noop_with_empty_axes", 0) != 0) {
        return at.finish("Identity", {at.node().inputs[0]});
    }
    if (given.empty()) {
        given.resize(rank);
        std::iota(given.begin(), given.end(), std::int64_t{0});
    }
    const auto plain = plain_axes(given, rank);
    if (!plain) return tl::unexpected(plain.error());
    Dimensions axes;
    for (const std::size_t one : *plain) {
        const auto axis = at.axis(one);
        if (!axis) return tl::unexpected(axis.error());
        axes.push_back(*axis);
    }
    return at.finish(at.node().op, {at.node().inputs[0]},
                     {{"axes", std::move(axes)}, {"keepdims", at.node().integer("keepdims", 1)}});
}

Rewritten arg_max(const Rewrite& at) {
    const auto axis = at.axis_of(at.node().integer("axis", 0), at.dimensions(0).size());
    if (!axis) return tl::unexpected(axis.error());
    return at.finish(at.node().op, {at.node().inputs[0]},
                     {{"axis", *axis},
                      {"keepdims", at.node().integer("keepdims", 1)},
                      {"select_last_index", at.node().integer("select_last_index", 0)}});
}

Rewritten top_k(const Rewrite& at) {
    const auto axis = at.axis_of(at.node().integer("axis", -1), at.dimensions(0).size());
    if (!axis) return tl::unexpected(axis.error());
    std::int64_t k = at.node().integer("k", 0);
    if (at.arguments.has(1)) {
        const OnnxConstant* given = at.arguments.constant(1);
        if (given == nullptr || given->is_real() || given->count() != 1) {
            return refuse_form("k must be a constant number");
        }
        k = given->integers[0];
    }
    if (at.node().outputs.size() != 2) return refuse_form("must name both its outputs");
    return at.finish(at.node().op, {at.node().inputs[0]},
                     {{"axis", *axis}, {"k", k}, {"largest", at.node().integer("largest", 1)}});
}

constexpr std::array kForms = {
    Form{"ArgMax", arg_max, {"axis", "keepdims", "select_last_index"}},
    Form{"LogSoftmax", softmax, {"axis"}},
    Form{"ReduceL2", reduction, {"axes", "keepdims"}},
    Form{"ReduceMax", reduction, {"axes", "keepdims"}},
    Form{"ReduceMean", reduction, {"axes", "keepdims"}},
    Form{"ReduceSum", reduction, {"axes", "keepdims", "noop_with_empty_axes"}},
    Form{"ReduceSumSquare", reduction, {"axes", "keepdims"}},
    Form{"Softmax", softmax, {"axis"}},
    Form{"TopK", top_k, {"axis", "k", "largest", "sorted"}},
};

}  // namespace

std::span<const Form> axis_forms() { return kForms; }

}  // namespace tamis::engine
