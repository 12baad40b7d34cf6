#include "engine/recurrent_onnx.hpp"

#include <algorithm>
#include <array>

#include "engine/recurrent_form.hpp"
#include "engine/refusal.hpp"

namespace tamis::engine {

namespace {

using Result = tl::expected<void, std::string>;

// Places of ONNX's inputs.
constexpr std::size_t kR = 2, kB = 3, kLengths = 4, kInitialH = 5, kInitialC = 6, kP = 7;

std::string input_or_none(const Node& node, std::size_t place) {
    return place < node.inputs.size() ? node.inputs[place] : std::string();
}

std::string text(const Node& node, const std::string& key, const std::string& otherwise) {
    const auto found = node.attributes.find(key);
    const auto* value =
        found == node.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
    return value == nullptr ? otherwise : *value;
}

// The initial state of one sequence, [1, D, H], from that of each of a batch. Error: no constant,
// or one that differs from sequence to sequence.
tl::expected<Tensor, std::string> common_state(const NormalForm& form, const std::string& name,
                                               bool batch_first) {
    const auto found = form.graph.weights.find(name);
    if (found == form.graph.weights.end() || found->second.shape.rank() != 3) {
        return refuse("the initial state \"" + name + "\" must be a constant of three dimensions");
    }
    const Tensor& given = found->second;
    const std::int64_t batch = given.shape[batch_first ? 0 : 1];
    const std::int64_t directions = given.shape[batch_first ? 1 : 0];
    const std::int64_t hidden = given.shape[2];
    Tensor common{Shape{1, directions, hidden}};
    for (std::int64_t i = 0; i < batch * directions * hidden; ++i) {
        const std::int64_t outer = i / hidden;
        const std::int64_t d = batch_first ? outer % directions : outer / batch;
        const bool first = (batch_first ? outer / directions : outer % batch) == 0;
        const float value = given.values[static_cast<std::size_t>(i)];
        float& place = common.values[static_cast<std::size_t>(d * hidden + i % hidden)];
        if (!first && value != place) {
            return refuse("the initial state \"" + name +
                          "\" differs between the sequences of a batch (unsupported)");
        }
        place = value;
    }
    return common;
}

// Adds the input under its letter; a state of zeros is none.
Result add_state(NormalForm& form, Node& to, const std::string& name, bool batch_first, char letter,
                 std::string& with) {
    if (name.empty()) return {};
    auto state = common_state(form, name, batch_first);
    if (!state) return refuse(state.error());
    if (std::ranges::all_of(state->values, [](float value) { return value == 0.F; })) return {};
    std::string stored = name;
    if (form.graph.weights.at(name).shape != state->shape) {
        stored += "/sequence";
        form.graph.weights[stored] = std::move(*state);
    }
    to.inputs.push_back(stored);
    with += letter;
    return {};
}

Result check_attributes(const Node& node, std::int64_t directions) {
    const std::string usual = node.op == "LSTM" ? "Sigmoid Tanh Tanh" : "Sigmoid Tanh";
    const std::string both = directions == 2 ? usual + " " + usual : usual;
    const std::string activations = text(node, "activations", both);
    if (activations != both) {
        return refuse("activations " + activations + " are not supported; supported are " + both);
    }
    if (node.attributes.contains("clip") || node.integer("input_forget", 0) != 0) {
        return refuse("clip and input_forget are not supported");
    }
    return {};
}

Result check_lengths(const NormalForm& form, const std::string& name, std::int64_t steps) {
    if (name.empty()) return {};
    const auto lengths = form.constants.find(name);
    const bool full = lengths != form.constants.end() &&
                      std::ranges::all_of(lengths->second.integers,
                                          [&](std::int64_t length) { return length == steps; });
    if (full) return {};
    return refuse("sequence_lens that differ from the number of steps are not supported");
}

}  // namespace

Result recurrence_in_normal_form(NormalForm& form, Node& node, const Shape& x) {
    if (x.rank() < 2 || node.inputs.size() < 3) {
        return refuse("needs a value with rows [steps, inputs], W and R");
    }
    const std::string direction = text(node, "direction", "forward");
    const std::int64_t directions = direction == "bidirectional" ? 2 : 1;
    if (auto known = check_attributes(node, directions); !known) return known;
    if (auto full = check_lengths(form, input_or_none(node, kLengths), x[x.rank() - 2]); !full) {
        return full;
    }
    const bool batch_first = node.integer("layout", 0) == 1;
    Node to = node;
    std::string with;
    to.inputs.resize(kB);
    if (const std::string bias = input_or_none(node, kB); !bias.empty()) {
        to.inputs.push_back(bias);
        with += 'B';
    }
    if (auto h = add_state(form, to, input_or_none(node, kInitialH), batch_first, 'h', with); !h) {
        return h;
    }
    if (node.op == "LSTM") {
        const std::string initial_c = input_or_none(node, kInitialC);
        if (auto c = add_state(form, to, initial_c, batch_first, 'c', with); !c) return c;
        if (const std::string peepholes = input_or_none(node, kP); !peepholes.empty()) {
            to.inputs.push_back(peepholes);
            with += 'P';
        }
    }
    const auto recurrence = form.graph.weights.find(node.inputs[kR]);
    if (recurrence == form.graph.weights.end() || recurrence->second.shape.rank() != 3) {
        return refuse("R must be a weight [directions, gates, hidden]");
    }
    to.attributes = {{"direction", direction},
                     {"hidden_size", node.integer("hidden_size", recurrence->second.shape[2])},
                     {"with", with}};
    if (node.op == "GRU") {
        to.attributes["linear_before_reset"] = node.integer("linear_before_reset", 0);
    }
    to.outputs.resize(node.op == "LSTM" ? 3 : 2);
    const auto named = std::ranges::find_if(to.outputs, [](const auto& o) { return !o.empty(); });
    const std::string stem = named == to.outputs.end() ? node.name : *named;
    for (std::size_t i = 0; i < to.outputs.size(); ++i) {
        if (to.outputs[i].empty()) to.outputs[i] = stem + "/output" + std::to_string(i);
    }
    node = std::move(to);
    return {};
}

namespace {

Rewritten recurrence(const Rewrite& at) {
    const Shape* x = at.row(0);
    if (x == nullptr) return refuse_form("needs a value");
    if (at.whole() && at.node().integer("layout", 0) == 0) {
        return refuse_form("layout 0 in a file without a batch is not supported; use layout = 1");
    }
    Node node = at.node();
    for (std::size_t input = 1; input < node.inputs.size(); ++input) {
        const OnnxConstant* constant = at.arguments.constant(input);
        if (constant == nullptr || !constant->is_real()) continue;
        auto name = at.weight(input);
        if (!name) return tl::unexpected(name.error());
        node.inputs[input] = *name;
    }
    if (auto done = recurrence_in_normal_form(at.form, node, *x); !done) return done;
    return at.append(std::move(node));
}

constexpr std::array kForms = {
    Form{"GRU",
         recurrence,
         {"activations", "clip", "direction", "hidden_size", "layout", "linear_before_reset"}},
    Form{"LSTM",
         recurrence,
         {"activations", "clip", "direction", "hidden_size", "input_forget", "layout"}},
};

}  // namespace

std::span<const Form> recurrent_forms() { return kForms; }

Node recurrence_for_onnx(const Node& node) {
    const RecurrentLayer layer = recurrent_layer(node);
    Node to = node;
    to.inputs = {node.inputs[0],  layer.kernel,    layer.recurrence, layer.bias, "",
                 layer.initial_h, layer.initial_c, layer.peepholes};
    while (to.inputs.back().empty()) to.inputs.pop_back();
    to.attributes.erase("with");
    to.attributes["layout"] = std::int64_t{1};
    return to;
}

}  // namespace tamis::engine
