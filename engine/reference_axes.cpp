// Reference softmax, reductions and selections along axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/reference_values.hpp"

namespace tamis::engine::reference {

namespace {

Values softmax(const Evaluation& at, const Node& node) {
    const Values& x = at.value(node, 0);
    const Axes extent = extents(at.in(node));
    const auto axis = static_cast<std::size_t>(node.integer("axis", 1) - 1);
    std::size_t stride = 1;
    for (std::size_t k = axis + 1; k < extent.size(); ++k) stride *= extent[k];
    Values y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t first = i - i / stride % extent[axis] * stride;
        double largest = x[first];
        for (std::size_t k = 0; k < extent[axis]; ++k) {
            largest = std::max(largest, x[first + k * stride]);
        }
        double sum = 0.0;
        for (std::size_t k = 0; k < extent[axis]; ++k) {
            sum += std::exp(x[first + k * stride] - largest);
        }
        y[i] = std::exp(x[i] - largest) / sum;
    }
    return y;
}

// Every output's set of source elements, in order.
std::vector<Axes> reduced_sets(const Evaluation& at, const Node& node) {
    const Axes in = extents(at.in(node));
    const std::vector<std::int64_t> axes = node.integers("axes");
    Axes kept = in;
    for (const std::int64_t axis : axes) kept[static_cast<std::size_t>(axis - 1)] = 1;
    std::vector<Axes> sets(product(kept));
    for_each_index(in, [&](const Axes& index) {
        sets[repeated_offset(index, kept)].push_back(offset_of(index, in));
    });
    return sets;
}

double reduced(const std::string& op, const double* x, const Axes& set) {
    double sum = 0.0;
    double squares = 0.0;
    double largest = -std::numeric_limits<double>::infinity();
    for (const std::size_t place : set) {
        sum += x[place];
        squares += x[place] * x[place];
        largest = std::max(largest, x[place]);
    }
    if (op == "ReduceSum") return sum;
    if (op == "ReduceMean") return sum / static_cast<double>(set.size());
    if (op == "ReduceMax") return largest;
    return op == "ReduceL2" ? std::sqrt(squares) : squares;
}

Values reduction(const Evaluation& at, const Node& node) {
    const auto sets = reduced_sets(at, node);
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        const double* x = at.value(node, 0).data() + row * at.in(node).element_count();
        for (const Axes& set : sets) y.push_back(reduced(node.op, x, set));
    }
    return y;
}

// The k first places along the axis in an order, and their values.
Results selection(const Evaluation& at, const Node& node) {
    const Axes in = extents(at.in(node));
    const auto axis = static_cast<std::size_t>(node.integer("axis", 1) - 1);
    const bool is_top = node.op == "TopK";
    const bool largest = node.integer("largest", 1) != 0;
    const bool last_first = node.integer("select_last_index", 0) != 0;
    const std::size_t k = is_top ? static_cast<std::size_t>(node.integer("k", 1)) : 1;
    Axes out = in;
    out[axis] = k;
    Values values(at.rows * product(out));
    Values places(values.size());
    for (std::size_t row = 0; row < at.rows; ++row) {
        const double* x = at.value(node, 0).data() + row * product(in);
        for_each_index(out, [&](const Axes& index) {
            std::vector<std::pair<double, std::size_t>> lane;
            Axes place = index;
            for (place[axis] = 0; place[axis] < in[axis]; ++place[axis]) {
                const double value = x[offset_of(place, in)];
                lane.emplace_back(largest ? -value : value,
                                  last_first ? in[axis] - 1 - place[axis] : place[axis]);
            }
            std::ranges::sort(lane);
            const std::size_t at_out = row * product(out) + offset_of(index, out);
            const auto& [key, order] = lane[index[axis]];
            values[at_out] = largest ? -key : key;
            places[at_out] = static_cast<double>(last_first ? in[axis] - 1 - order : order);
        });
    }
    return is_top ? Results{values, places} : Results{places};
}

}  // namespace

Results evaluate_axis(const Evaluation& at, const Node& node) {
    if (node.op == "Softmax") return {softmax(at, node)};
    if (node.op == "LogSoftmax") {
        Values y = softmax(at, node);
        for (double& value : y) value = std::log(value);
        return {y};
    }
    if (node.op.starts_with("Reduce")) return {reduction(at, node)};
    if (node.op == "ArgMax" || node.op == "TopK") return selection(at, node);
    return {};
}

}  // namespace tamis::engine::reference
