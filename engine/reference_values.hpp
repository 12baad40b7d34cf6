// The values of a graph under evaluation in double precision, and loops over index tuples: what the
// families of reference operators share. Cold path.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine::reference {

using Values = std::vector<double>;

struct Evaluation {
    const Graph& graph;
    const ValueShapes& shapes;
    std::size_t rows;
    bool batch_statistics;
    std::map<std::string, Values> values;

    [[nodiscard]] const FloatBuffer& weight(const Node& node, std::size_t input) const {
        return graph.weights.at(node.inputs[input]).values;
    }
    [[nodiscard]] bool is_weight(const Node& node, std::size_t input) const {
        return graph.weights.contains(node.inputs[input]);
    }
    [[nodiscard]] const Values& value(const Node& node, std::size_t input) const {
        return values.at(node.inputs[input]);
    }
    // Shape of a weight, or of a value's row.
    [[nodiscard]] const Shape& shape(const Node& node, std::size_t input) const {
        return is_weight(node, input) ? graph.weights.at(node.inputs[input]).shape
                                      : shapes.at(node.inputs[input]);
    }
    [[nodiscard]] const Shape& in(const Node& node) const { return shapes.at(node.inputs[0]); }
    [[nodiscard]] const Shape& out(const Node& node) const { return shapes.at(node.outputs[0]); }
    // One element of a weight, or of a row of a value.
    [[nodiscard]] double element(const Node& node, std::size_t input, std::size_t row,
                                 std::size_t offset) const {
        if (is_weight(node, input)) return weight(node, input)[offset];
        return value(node, input)[row * shape(node, input).element_count() + offset];
    }
};

using Axes = std::vector<std::size_t>;

[[nodiscard]] Axes extents(const Shape& shape);
[[nodiscard]] std::size_t product(const Axes& extent);
// Calls back with every index tuple of the extents, last axis fastest.
void for_each_index(const Axes& extent, const std::function<void(const Axes&)>& call);
[[nodiscard]] std::size_t offset_of(const Axes& index, const Axes& extent);
// The place in a shape that is repeated up to the index's rank.
[[nodiscard]] std::size_t repeated_offset(const Axes& index, const Axes& own);

// Results of a node, by output; empty: the operator is of another family.
using Results = std::vector<Values>;
[[nodiscard]] Results evaluate_elementwise(const Evaluation& at, const Node& node);
[[nodiscard]] Results evaluate_product(const Evaluation& at, const Node& node);
[[nodiscard]] Results evaluate_window(const Evaluation& at, const Node& node);
[[nodiscard]] Results evaluate_axis(const Evaluation& at, const Node& node);
[[nodiscard]] Results evaluate_movement(const Evaluation& at, const Node& node);
[[nodiscard]] Results evaluate_quantised(const Evaluation& at, const Node& node);

}  // namespace tamis::engine::reference
