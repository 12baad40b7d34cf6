#include "engine/reference_network.hpp"

#include <array>
#include <gsl/assert>

#include "engine/recurrent_form.hpp"
#include "engine/recurrent_reference.hpp"
#include "engine/reference_values.hpp"

namespace tamis::engine {

namespace reference {

Axes extents(const Shape& shape) { return {shape.dimensions().begin(), shape.dimensions().end()}; }

void for_each_index(const Axes& extent, const std::function<void(const Axes&)>& call) {
    Axes index(extent.size(), 0);
    std::size_t count = 1;
    for (const std::size_t length : extent) count *= length;
    for (std::size_t i = 0; i < count; ++i) {
        call(index);
        for (std::size_t axis = extent.size(); axis-- > 0;) {
            if (++index[axis] < extent[axis]) break;
            index[axis] = 0;
        }
    }
}

std::size_t offset_of(const Axes& index, const Axes& extent) {
    std::size_t offset = 0;
    for (std::size_t axis = 0; axis < extent.size(); ++axis) {
        offset = offset * extent[axis] + index[axis];
    }
    return offset;
}

std::size_t product(const Axes& extent) {
    std::size_t count = 1;
    for (const std::size_t length : extent) count *= length;
    return count;
}

std::size_t repeated_offset(const Axes& index, const Axes& own) {
    Axes place(own.size());
    for (std::size_t axis = 0; axis < own.size(); ++axis) {
        place[axis] = own[axis] == 1 ? 0 : index[axis + index.size() - own.size()];
    }
    return offset_of(place, own);
}

}  // namespace reference

namespace {

reference::Results evaluate_node(const reference::Evaluation& at, const Node& node) {
    constexpr std::array kFamilies = {
        reference::evaluate_elementwise, reference::evaluate_product,
        reference::evaluate_window,      reference::evaluate_axis,
        reference::evaluate_movement,    reference::evaluate_quantised};
    for (const auto family : kFamilies) {
        reference::Results results = family(at, node);
        if (!results.empty()) return results;
    }
    Ensures(false);  // check_graph knows no operator that no family has
    return {};
}

}  // namespace

tl::expected<std::vector<std::vector<double>>, std::string> evaluate_reference(
    const Graph& graph, std::size_t rows, std::span<const std::vector<double>> inputs,
    const ReferenceOptions& options) {
    auto shapes = check_graph(graph);
    if (!shapes) return tl::unexpected(shapes.error());
    reference::Evaluation evaluation{graph, *shapes, rows, options.batch_statistics, {}};
    if (inputs.size() != graph.inputs.size()) {
        return tl::unexpected("the network has " + std::to_string(graph.inputs.size()) +
                              " inputs; " + std::to_string(inputs.size()) + " were given");
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].size() != rows * graph.inputs[i].row_shape.element_count()) {
            return tl::unexpected("input \"" + graph.inputs[i].name +
                                  "\" has the wrong number of values; it needs rows of shape " +
                                  graph.inputs[i].row_shape.text());
        }
        evaluation.values[graph.inputs[i].name] = inputs[i];
    }
    for (const Node& node : graph.nodes) {
        reference::Results results =
            is_recurrent(node) ? evaluate_recurrence(graph, node, evaluation.values.at(node.inputs[0]),
                                                     shapes->at(node.inputs[0]))
                               : evaluate_node(evaluation, node);
        for (std::size_t i = 0; i < results.size(); ++i) {
            evaluation.values[node.outputs[i]] = std::move(results[i]);
        }
    }
    std::vector<std::vector<double>> outputs;
    for (const std::string& output : graph.outputs) {
        outputs.push_back(evaluation.values.at(output));
    }
    return outputs;
}

}  // namespace tamis::engine
