#include "engine/recurrent_form.hpp"

#include <algorithm>

namespace tamis::engine {

namespace {

std::string text(const Node& node, const std::string& key) {
    const auto found = node.attributes.find(key);
    const auto* value =
        found == node.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
    return value == nullptr ? std::string() : *value;
}

// Letters of kRecurrentOptions, each at most once and in order.
bool are_options(const std::string& letters) {
    const std::string all = kRecurrentOptions;
    std::size_t next = 0;
    return std::ranges::all_of(letters, [&](char letter) {
        const std::size_t place = all.find(letter, next);
        next = place + 1;
        return place != std::string::npos;
    });
}

using Dimensions = std::vector<std::int64_t>;

struct WeightRule {
    std::string what;
    std::string name;
    Dimensions dimensions;
};

std::vector<WeightRule> weight_rules(const RecurrentLayer& layer, std::int64_t in) {
    const std::int64_t d = layer.directions();
    const std::int64_t h = layer.hidden;
    const std::int64_t gates = layer.gates() * h;
    std::vector<WeightRule> rules{
        {"W", layer.kernel, {d, gates, in}},       {"R", layer.recurrence, {d, gates, h}},
        {"B", layer.bias, {d, 2 * gates}},         {"initial_h", layer.initial_h, {1, d, h}},
        {"initial_c", layer.initial_c, {1, d, h}}, {"P", layer.peepholes, {d, 3 * h}}};
    std::erase_if(rules, [](const WeightRule& rule) { return rule.name.empty(); });
    return rules;
}

tl::expected<void, std::string> check_form(const Node& node) {
    const std::string direction = text(node, "direction");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
        return tl::unexpected("direction \"" + direction +
                              "\" is unknown; supported are forward, reverse and bidirectional");
    }
    const std::string with = text(node, "with");
    const bool lstm_only =
        with.find('c') != std::string::npos || with.find('P') != std::string::npos;
    if (!are_options(with) || (node.op == "GRU" && lstm_only) ||
        node.inputs.size() != 3 + with.size()) {
        return tl::unexpected(
            std::string("needs a value, W, R and the weights that \"with\" lists"));
    }
    const std::int64_t hidden = node.integer("hidden_size", 0);
    if (hidden < 1 || hidden > kMaxDimension / 8) {
        return tl::unexpected("hidden_size " + std::to_string(hidden) +
                              " (out of range); it lies in 1.." +
                              std::to_string(kMaxDimension / 8));
    }
    const std::size_t outputs = node.op == "LSTM" ? 3 : 2;
    if (node.outputs.size() != outputs) {
        return tl::unexpected("needs " + std::to_string(outputs) + " outputs");
    }
    return {};
}

}  // namespace

bool is_recurrent(const Node& node) { return node.op == "LSTM" || node.op == "GRU"; }

RecurrentLayer recurrent_layer(const Node& node) {
    RecurrentLayer layer;
    layer.cell = node.op == "LSTM" ? RecurrentLayer::Cell::lstm : RecurrentLayer::Cell::gru;
    const std::string direction = text(node, "direction");
    layer.direction = direction == "reverse"         ? RecurrentLayer::Direction::reverse
                      : direction == "bidirectional" ? RecurrentLayer::Direction::bidirectional
                                                     : RecurrentLayer::Direction::forward;
    layer.hidden = node.integer("hidden_size", 1);
    layer.linear_before_reset = node.integer("linear_before_reset", 0) != 0;
    layer.kernel = node.inputs[1];
    layer.recurrence = node.inputs[2];
    std::size_t input = 3;
    for (const char letter : text(node, "with")) {
        std::string& place = letter == 'B'   ? layer.bias
                             : letter == 'h' ? layer.initial_h
                             : letter == 'c' ? layer.initial_c
                                             : layer.peepholes;
        place = node.inputs[input++];
    }
    return layer;
}

tl::expected<std::vector<Shape>, std::string> recurrent_shapes(const Graph& graph, const Node& node,
                                                               const ValueShapes& known) {
    if (auto form = check_form(node); !form) return tl::unexpected(form.error());
    const auto x = known.find(node.inputs[0]);
    if (x == known.end() || x->second.rank() < 2) {
        return tl::unexpected(std::string("needs a value with rows [steps, inputs]"));
    }
    const RecurrentLayer layer = recurrent_layer(node);
    const auto dimensions = x->second.dimensions();
    for (const WeightRule& rule : weight_rules(layer, dimensions.back())) {
        const auto weight = graph.weights.find(rule.name);
        const bool fits = weight != graph.weights.end() &&
                          std::ranges::equal(weight->second.shape.dimensions(), rule.dimensions);
        if (fits) continue;
        const auto wanted = Shape::make(rule.dimensions);
        if (!wanted) return tl::unexpected(wanted.error());
        return tl::unexpected(rule.what + " must be a weight of shape " + wanted->text());
    }
    Dimensions sequence(dimensions.begin(), dimensions.end());
    sequence.back() = layer.directions();
    sequence.push_back(layer.hidden);
    Dimensions state = sequence;
    state.erase(state.end() - 3);
    auto y = Shape::make(sequence);
    auto last = Shape::make(state);
    if (!y) return tl::unexpected(y.error());
    if (!last) return tl::unexpected(last.error());
    std::vector<Shape> shapes{std::move(*y), *last};
    if (layer.cell == RecurrentLayer::Cell::lstm) shapes.push_back(std::move(*last));
    return shapes;
}

std::uint64_t recurrent_multiply_adds(const Graph& graph, const RecurrentLayer& layer,
                                      const Shape& x) {
    const std::size_t per_step = graph.weights.at(layer.kernel).values.size() +
                                 graph.weights.at(layer.recurrence).values.size();
    return per_step * (x.element_count() / static_cast<std::size_t>(x[x.rank() - 1]));
}

}  // namespace tamis::engine
