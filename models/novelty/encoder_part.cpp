#include "models/novelty/encoder_part.hpp"

#include <algorithm>
#include <gsl/assert>
#include <set>

namespace tamis::models {

engine::Graph part_for_output(const engine::Graph& graph, const std::string& output) {
    Expects(std::find(graph.outputs.begin(), graph.outputs.end(), output) != graph.outputs.end());
    engine::Graph part;
    part.name = graph.name;
    part.inputs = graph.inputs;
    part.outputs = {output};
    std::set<std::string> wanted = {output};
    // Each node stands after what it reads: from the end on.
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
        const bool is_wanted =
            std::any_of(node->outputs.begin(), node->outputs.end(),
                        [&wanted](const std::string& value) { return wanted.contains(value); });
        if (is_wanted) {
            part.nodes.push_back(*node);
            wanted.insert(node->inputs.begin(), node->inputs.end());
        }
    }
    std::reverse(part.nodes.begin(), part.nodes.end());
    for (const auto& [name, tensor] : graph.weights) {
        if (wanted.contains(name)) {
            part.weights.emplace(name, tensor);
        }
    }
    for (const auto& [name, type] : graph.integer_types) {
        if (wanted.contains(name)) {
            part.integer_types.emplace(name, type);
        }
    }
    return part;
}

}  // namespace tamis::models
