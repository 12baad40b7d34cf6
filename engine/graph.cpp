#include "engine/graph.hpp"

#include <algorithm>
#include <set>

namespace tamis::engine {

namespace {

template <class T>
T attribute_or(const Node& node, const std::string& key, T otherwise) {
    const auto found = node.attributes.find(key);
    if (found == node.attributes.end()) return otherwise;
    const T* value = std::get_if<T>(&found->second);
    return value == nullptr ? otherwise : *value;
}

std::string describe(const Node& node) { return "node \"" + node.name + "\" (" + node.op + ")"; }

// Rewrites may give every reader its own copy of a weight, packing its own layout.
constexpr std::size_t kMaxWeightReads = std::size_t{1} << 28;

tl::expected<void, std::string> check_weight_reads(const Graph& graph) {
    std::size_t reads = 0;
    for (const Node& node : graph.nodes) {
        for (const std::string& input : node.inputs) {
            const auto weight = graph.weights.find(input);
            if (weight != graph.weights.end()) reads += weight->second.shape.element_count();
        }
        if (reads > kMaxWeightReads) {
            return tl::unexpected(describe(node) + ": the nodes up to it read more than " +
                                  std::to_string(kMaxWeightReads) +
                                  " weights (too many); use a smaller network");
        }
    }
    return {};
}

tl::expected<void, std::string> check_names(const Graph& graph) {
    std::set<std::string> seen;
    const auto define = [&](const std::string& name) -> tl::expected<void, std::string> {
        if (name.empty() || !seen.insert(name).second) {
            return tl::unexpected("\"" + name +
                                  "\" is defined twice or has no name; every value and weight "
                                  "needs its own name");
        }
        return {};
    };
    for (const auto& [name, type] : graph.integer_types) {
        const bool is_input =
            std::ranges::find(graph.inputs, name, &GraphInput::name) != graph.inputs.end();
        if (!is_input && !graph.weights.contains(name)) {
            return tl::unexpected("\"" + name + "\" has a type and is neither input nor weight");
        }
    }
    for (const auto& [name, tensor] : graph.weights) {
        if (auto done = define(name); !done) return done;
        if (tensor.values.size() != tensor.shape.element_count()) {
            return tl::unexpected("weight \"" + name + "\" holds " +
                                  std::to_string(tensor.values.size()) +
                                  " values (wrong count); its shape is " + tensor.shape.text());
        }
    }
    for (const GraphInput& input : graph.inputs) {
        if (auto done = define(input.name); !done) return done;
        if (input.row_shape.rank() == 0) {
            return tl::unexpected("input \"" + input.name +
                                  "\" has rows without a dimension (unsupported); give each row "
                                  "at least one, as [batch, 1]");
        }
    }
    for (const Node& node : graph.nodes) {
        for (const std::string& output : node.outputs) {
            if (auto done = define(output); !done) {
                return tl::unexpected(describe(node) + ": " + done.error());
            }
        }
    }
    return {};
}

}  // namespace

std::int64_t Node::integer(const std::string& key, std::int64_t otherwise) const {
    return attribute_or<std::int64_t>(*this, key, otherwise);
}

float Node::real(const std::string& key, float otherwise) const {
    return attribute_or<float>(*this, key, otherwise);
}

std::vector<std::int64_t> Node::integers(const std::string& key) const {
    return attribute_or<std::vector<std::int64_t>>(*this, key, {});
}

tl::expected<ValueShapes, std::string> check_graph(const Graph& graph) {
    if (auto named = check_names(graph); !named) return tl::unexpected(named.error());
    if (auto reads = check_weight_reads(graph); !reads) return tl::unexpected(reads.error());
    if (graph.inputs.empty() || graph.outputs.empty()) {
        return tl::unexpected(std::string("a network without input or output; it needs both"));
    }
    ValueShapes shapes;
    for (const GraphInput& input : graph.inputs) shapes[input.name] = input.row_shape;
    for (const Node& node : graph.nodes) {
        auto inferred = infer_node_shapes(graph, node, shapes);
        if (!inferred) return tl::unexpected(describe(node) + ": " + inferred.error());
        for (std::size_t i = 0; i < node.outputs.size(); ++i) {
            shapes[node.outputs[i]] = std::move((*inferred)[i]);
        }
    }
    if (auto types = infer_element_types(graph); !types) return tl::unexpected(types.error());
    std::set<std::string> seen;
    for (const std::string& output : graph.outputs) {
        if (!shapes.contains(output) || !seen.insert(output).second) {
            return tl::unexpected("output \"" + output +
                                  "\" is no value of the network or listed twice");
        }
    }
    return shapes;
}

tl::expected<void, std::string> sort_nodes(Graph& graph) {
    std::map<std::string, std::size_t> producer;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        for (const std::string& output : graph.nodes[i].outputs) producer[output] = i;
    }
    std::vector<std::vector<std::size_t>> readers(graph.nodes.size());
    std::vector<std::size_t> missing(graph.nodes.size(), 0);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        for (const std::string& input : graph.nodes[i].inputs) {
            const auto found = producer.find(input);
            if (found == producer.end()) continue;
            readers[found->second].push_back(i);
            ++missing[i];
        }
    }
    std::set<std::size_t> ready;  // the lowest index first keeps the given order where possible
    for (std::size_t i = 0; i < missing.size(); ++i) {
        if (missing[i] == 0) ready.insert(i);
    }
    std::vector<std::size_t> order;
    while (!ready.empty()) {
        const std::size_t next = *ready.begin();
        ready.erase(ready.begin());
        order.push_back(next);
        for (const std::size_t reader : readers[next]) {
            if (--missing[reader] == 0) ready.insert(reader);
        }
    }
    if (order.size() != graph.nodes.size()) {
        const auto stuck =
            std::ranges::find_if(missing, [](std::size_t count) { return count != 0; });
        const Node& node = graph.nodes[static_cast<std::size_t>(stuck - missing.begin())];
        return tl::unexpected(describe(node) +
                              " is part of a cycle (unsupported); a network must be acyclic");
    }
    std::vector<Node> sorted;
    sorted.reserve(order.size());
    for (const std::size_t index : order) sorted.push_back(std::move(graph.nodes[index]));
    graph.nodes = std::move(sorted);
    return {};
}

}  // namespace tamis::engine
