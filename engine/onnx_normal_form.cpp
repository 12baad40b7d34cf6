#include "engine/onnx_normal_form.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "engine/constant_folding.hpp"
#include "engine/graph_passes.hpp"
#include "engine/onnx_rewrite.hpp"
#include "engine/recurrent_form.hpp"
#include "engine/recurrent_onnx.hpp"

namespace tamis::engine {

namespace {

std::array<std::span<const Form>, 7> families() {
    return {elementwise_forms(), product_forms(),   window_forms(),   axis_forms(),
            movement_forms(),    quantised_forms(), recurrent_forms()};
}

const Form* form_of(std::string_view op) {
    for (const auto& family : families()) {
        const auto form = std::ranges::find(family, op, &Form::op);
        if (form != family.end()) return &*form;
    }
    return nullptr;
}

// Folded where they are read; no operators of a network.
constexpr std::array<std::string_view, 3> kConstantOperators = {"Constant", "ConstantOfShape",
                                                                "Shape"};

std::string readable_operators() {
    std::set<std::string_view> names(kConstantOperators.begin(), kConstantOperators.end());
    for (const auto& family : families()) {
        for (const Form& form : family) names.insert(form.op);
    }
    std::string list;
    for (const std::string_view name : names) {
        list += (list.empty() ? "" : ", ") + std::string(name);
    }
    return list;
}

class Reader {
 public:
    // constants: the content's.
    Reader(const OnnxContent& content, Reading reading,
           std::map<std::string, OnnxConstant> constants)
        : content_(content) {
        form_.reading = reading;
        form_.opset = content.opset;
        form_.constants = std::move(constants);
        form_.graph.name = content.name;
        for (const Node& node : content.nodes) {
            read_.insert(node.inputs.begin(), node.inputs.end());
        }
        read_.insert(content.outputs.begin(), content.outputs.end());
    }

    // Error of the ports: files whose inputs have no batch to begin with.
    Rewritten add_inputs() {
        for (const OnnxInput& input : content_.inputs) {
            if (auto done = add_input(input); !done) {
                return refuse_form("input \"" + input.name + "\": " + done.error());
            }
        }
        return {};
    }

    tl::expected<Graph, std::string> read() {
        for (const Node& node : content_.nodes) {
            if (auto done = add_node(node); !done) {
                return refuse_form("node \"" + node.name + "\" (" + node.op + ", opset " +
                                   std::to_string(content_.opset) + "): " + done.error());
            }
        }
        for (const std::string& output : content_.outputs) {
            if (form_.constants.contains(output)) {
                return refuse_form("output \"" + output +
                                   "\" is a constant (unsupported); an output is computed from "
                                   "the inputs");
            }
        }
        form_.graph.outputs = content_.outputs;
        drop_unread_weights(form_.graph);
        if (auto checked = check_graph(form_.graph); !checked) {
            return tl::unexpected(checked.error());
        }
        return std::move(form_.graph);
    }

 private:
    Rewritten add_input(const OnnxInput& input) {
        std::vector<std::int64_t> row = input.dimensions;
        if (form_.reading == Reading::batch_first) {
            if (row.size() < 2) {
                return refuse_form("has " + std::to_string(row.size()) +
                                   " dimensions; the batch and at least one more are needed");
            }
            const std::int64_t batch = row[0] > 0 ? row[0] : kBatchSize;
            if (!form_.graph.inputs.empty() && form_.batch != batch) {
                return refuse_form(
                    "has another batch size than the inputs before it (unsupported)");
            }
            form_.batch = batch;
            row.erase(row.begin());
        } else if (row.empty()) {
            row.push_back(1);  // a number is a row of one
        }
        if (std::ranges::find(row, -1) != row.end()) {
            return refuse_form(
                "its dimensions after the first are not fixed (unsupported); only "
                "the batch may be open");
        }
        auto shape = Shape::make(row);
        if (!shape) return tl::unexpected(shape.error());
        if (!form_.shapes.try_emplace(input.name, *shape).second) {
            return refuse_form("is defined twice");
        }
        if (input.type != ElementType::float32) form_.graph.integer_types[input.name] = input.type;
        form_.graph.inputs.push_back({input.name, std::move(*shape)});
        return {};
    }

    // Outputs that are optional and read by nobody (a dropout mask) disappear.
    Rewritten keep_read_outputs(Node& node) const {
        const bool keeps_all = node.op == "Split" || is_recurrent(node);
        const std::size_t wanted = keeps_all ? node.outputs.size() : node.op == "TopK" ? 2 : 1;
        while (node.outputs.size() > wanted) {
            const std::string& last = node.outputs.back();
            if (!last.empty() && read_.contains(last)) {
                return refuse_form("its output \"" + last +
                                   "\" is not supported, only the first is");
            }
            node.outputs.pop_back();
        }
        const bool has_output =
            is_recurrent(node) || (!node.outputs.empty() && !node.outputs[0].empty());
        if (!has_output || node.outputs.empty()) return refuse_form("has no output");
        return {};
    }

    Rewritten add_node(const Node& given) {
        Node node = given;
        while (!node.inputs.empty() && node.inputs.back().empty()) node.inputs.pop_back();
        if (auto done = keep_read_outputs(node); !done) return done;
        NodeArguments arguments{node, {}};
        for (const std::string& input : node.inputs) {
            const auto found = form_.constants.find(input);
            arguments.constants.push_back(found == form_.constants.end() ? nullptr
                                                                         : &found->second);
            if (!input.empty() && found == form_.constants.end() && !form_.shapes.contains(input)) {
                return refuse_form("reads \"" + input + "\", which nothing before it defines");
            }
        }
        const Rewrite rewrite{form_, arguments};
        const auto fill = content_.fill_values.find(node.outputs[0]);
        auto folded =
            fold_constants(arguments, fill == content_.fill_values.end() ? nullptr : &fill->second);
        if (node.op == "Shape" && node.inputs.size() == 1) {
            folded = folded_shape(node, arguments.constants[0] != nullptr
                                            ? arguments.constants[0]->dimensions
                                            : rewrite.dimensions(0));
        }
        if (folded) return add_constant(node, std::move(*folded));
        return apply_form(rewrite);
    }

    Rewritten add_constant(const Node& node, tl::expected<OnnxConstant, std::string> made) {
        if (!made) return tl::unexpected(made.error());
        // An empty one has any dimensions beside its 0.
        if (made->dimensions.size() > kMaxRank ||
            std::ranges::any_of(made->dimensions, [](auto d) { return d > kMaxDimension; })) {
            return refuse_form("a constant with a dimension above " +
                               std::to_string(kMaxDimension) + " would be made (too large)");
        }
        if (auto spent = spend(form_, made->count()); !spent) return spent;
        if (form_.shapes.contains(node.outputs[0]) ||
            !form_.constants.try_emplace(node.outputs[0], std::move(*made)).second) {
            return refuse_form("its output is defined twice");
        }
        return {};
    }

    static Rewritten apply_form(const Rewrite& rewrite) {
        const Node& node = rewrite.node();
        const Form* form = form_of(node.op);
        if (form == nullptr) {
            return refuse_form(
                "operator not supported" +
                std::string(node.op == "ConstantOfShape" ? " where its input is no constant" : "") +
                "; supported are " + readable_operators());
        }
        for (const auto& [name, value] : node.attributes) {
            if (std::ranges::find(form->attributes, name) == form->attributes.end()) {
                return refuse_form("attribute \"" + name + "\" is not supported here");
            }
        }
        if (node.inputs.empty()) return refuse_form("needs an input");
        return form->rewrite(rewrite);
    }

    const OnnxContent& content_;
    NormalForm form_;
    std::set<std::string> read_;
};

bool is_open(const OnnxInput& input) {
    return std::ranges::find(input.dimensions, -1) != input.dimensions.end();
}

}  // namespace

bool is_readable_operator(std::string_view op) {
    return form_of(op) != nullptr ||
           std::ranges::find(kConstantOperators, op) != kConstantOperators.end();
}

tl::expected<Graph, std::string> in_normal_form(OnnxContent content) {
    if (const Rewritten done = put_batch_first(content); !done) return tl::unexpected(done.error());
    // Only a file without an open dimension is read a second time; else its weights are taken, for
    // a copy costs a tenth of a load.
    const bool is_last = std::ranges::any_of(content.inputs, is_open);
    Reader rows(content, Reading::batch_first,
                is_last ? std::move(content.constants) : content.constants);
    const Rewritten ports = rows.add_inputs();
    tl::expected<Graph, std::string> graph = ports ? rows.read() : tl::unexpected(ports.error());
    if (graph || is_last) return graph;
    Reader whole(content, Reading::whole_tensor, std::move(content.constants));
    if (const auto done = whole.add_inputs(); !done) return tl::unexpected(done.error());
    auto second = whole.read();
    // What is wrong with the rows is what the user can change, unless there are none.
    if (!second && ports) return graph;
    return second;
}

}  // namespace tamis::engine
