// put_batch_first of recurrent_onnx.hpp.
#include <algorithm>
#include <array>
#include <map>

#include "engine/recurrent_form.hpp"
#include "engine/recurrent_onnx.hpp"

namespace tamis::engine {

namespace {

using Result = tl::expected<void, std::string>;
using Axes = std::vector<std::int64_t>;

// How the file orders the dimensions of a value that the engine keeps batch first. B batch, T
// steps, D directions, H hidden units, X anything.
enum class Order {
    tbx,   // engine: BTX
    tdbh,  // engine: BTDH
    tbdh,  // engine: BTDH
    dbh,   // engine: BDH
};

class BatchFirst {
 public:
    explicit BatchFirst(OnnxContent& content) : content_(content) {}

    Result run() {
        std::vector<Node> given = std::move(content_.nodes);
        content_.nodes.clear();
        for (Node& node : given) {
            Result done = is_recurrent(node) ? recurrence(node) : other(node);
            if (!done) {
                return tl::unexpected("node \"" + node.name + "\" (" + node.op + ", opset " +
                                      std::to_string(content_.opset) + "): " + done.error());
            }
        }
        for (const std::string& output : content_.outputs) {
            if (orders_.contains(output)) {
                return tl::unexpected("output \"" + output +
                                      "\" has another first dimension than the batch "
                                      "(unsupported); transpose it");
            }
        }
        return {};
    }

 private:
    [[nodiscard]] const Order* order_of(const std::string& value) const {
        const auto found = orders_.find(value);
        return found == orders_.end() ? nullptr : &found->second;
    }
    void keep(Node node) { content_.nodes.push_back(std::move(node)); }
    void keep_as(Node node, Order order) {
        orders_[node.outputs[0]] = order;
        keep(std::move(node));
    }
    // The node with another operator on its first input and no attributes.
    static Node replaced(const Node& node, const std::string& op) {
        return {node.name, op, {node.inputs[0]}, {node.outputs[0]}, {}};
    }
    Node reshaped(const Node& node, Axes shape) {
        Node to = replaced(node, "Reshape");
        to.inputs.push_back(node.outputs[0] + "/shape");
        OnnxConstant constant{ElementType::int64, {static_cast<std::int64_t>(shape.size())}, {}, {}};
        constant.integers = std::move(shape);
        content_.constants[to.inputs[1]] = std::move(constant);
        return to;
    }

    Result recurrence(Node& node) {
        if (node.inputs.empty()) return tl::unexpected(std::string("needs a value"));
        const Order* order = order_of(node.inputs[0]);
        if (node.integer("layout", 0) == 1) {
            if (order != nullptr) return tl::unexpected(step_first(node.inputs[0]));
            keep(std::move(node));
            return {};
        }
        if (order == nullptr) return one_step(node);
        if (*order != Order::tbx) return tl::unexpected(step_first(node.inputs[0]));
        for (std::size_t i = 0; i < node.outputs.size(); ++i) {
            if (!node.outputs[i].empty()) {
                orders_[node.outputs[i]] = i == 0 ? Order::tdbh : Order::dbh;
            }
        }
        keep(std::move(node));
        return {};
    }

    // With a batch fixed to one and a step first, the row [B, in] is one step of B sequences.
    Result one_step(Node& node) {
        const OnnxConstant* recurrence = constant_input(node, 2);
        const bool one_direction = recurrence != nullptr && recurrence->dimensions.size() == 3 &&
                                   recurrence->dimensions[0] == 1;
        if (!has_one_row() || !one_direction) {
            return tl::unexpected(step_first(node.inputs[0]));
        }
        const std::int64_t hidden = recurrence->dimensions[2];
        Node rows = reshaped({node.name + "/rows", "", {node.inputs[0]}, {node.name + "/x"}, {}},
                             {0, 0, 1, -1});
        node.inputs[0] = rows.outputs[0];
        keep(std::move(rows));
        std::vector<Node> after;
        for (std::size_t i = 0; i < node.outputs.size(); ++i) {
            std::string& output = node.outputs[i];
            if (output.empty()) continue;
            const std::string inner = output + "/sequences";
            after.push_back(reshaped({output + "/rows", "", {inner}, {output}, {}},
                                     i == 0 ? Axes{0, 1, -1, hidden} : Axes{0, -1, hidden}));
            output = inner;
        }
        keep(std::move(node));
        for (Node& reshape : after) keep(std::move(reshape));
        return {};
    }

    Result other(Node& node) {
        const bool marked = std::ranges::any_of(
            node.inputs, [&](const std::string& input) { return orders_.contains(input); });
        const Order* order = node.inputs.empty() ? nullptr : order_of(node.inputs[0]);
        if (node.op == "Transpose") return transpose(node, order);
        if (!marked) {
            keep(std::move(node));
            return {};
        }
        if (order == nullptr || node.outputs.empty()) {
            return tl::unexpected(step_first(node.inputs[0]));
        }
        if (node.op == "Squeeze") return squeeze(node, *order);
        if (node.op == "Reshape") return reshape(node, *order);
        if (works_on_each_step(node)) {
            keep_as(std::move(node), *order);
            return {};
        }
        return tl::unexpected(step_first(node.inputs[0]));
    }

    // What treats every [X] alike, wherever batch and step stand.
    [[nodiscard]] bool works_on_each_step(const Node& node) const {
        constexpr std::array kElementwise = {"Identity", "Dropout", "Relu", "LeakyRelu",
                                             "Tanh",     "Sigmoid", "Cast"};
        if (std::ranges::find(kElementwise, node.op) != kElementwise.end()) return true;
        const OnnxConstant* weight = constant_input(node, 1);
        if (weight == nullptr || !weight->is_real()) return false;
        const std::size_t rank = weight->dimensions.size();
        return (node.op == "MatMul" && rank == 2) ||
               ((node.op == "Add" || node.op == "Mul") && rank <= 1);
    }

    Result transpose(Node& node, const Order* order) {
        const Axes perm = node.integers("perm");
        struct Move {
            Order from;
            Axes perm;
        };
        if (order == nullptr) {
            if (perm == Axes{1, 0, 2}) {
                keep_as(replaced(node, "Identity"), Order::tbx);
            } else {
                keep(std::move(node));
            }
            return {};
        }
        if (*order == Order::tdbh && perm == Axes{0, 2, 1, 3}) {
            keep_as(replaced(node, "Identity"), Order::tbdh);
            return {};
        }
        const std::array<Move, 4> to_batch_first = {
            Move{Order::tbx, {1, 0, 2}}, Move{Order::tdbh, {2, 0, 1, 3}},
            Move{Order::tbdh, {1, 0, 2, 3}}, Move{Order::dbh, {1, 0, 2}}};
        for (const Move& move : to_batch_first) {
            if (move.from != *order || move.perm != perm) continue;
            keep(replaced(node, "Identity"));
            return {};
        }
        return tl::unexpected(step_first(node.inputs[0]));
    }

    // One direction is dropped: of [T, 1, B, H] the second axis, of [1, B, H] the first.
    Result squeeze(Node& node, Order order) {
        Axes axes = node.integers("axes");
        const OnnxConstant* constant = constant_input(node, 1);
        if (constant != nullptr) axes = constant->integers;
        if (order == Order::tdbh && axes == Axes{1}) {
            keep_as(reshaped(node, {0, 0, -1}), Order::tbx);
            return {};
        }
        if (order == Order::dbh && axes == Axes{0}) {
            keep(replaced(node, "Flatten"));
            return {};
        }
        return tl::unexpected(step_first(node.inputs[0]));
    }

    // The directions joined: [T, B, D, H] to [T, B, D * H].
    Result reshape(Node& node, Order order) {
        const OnnxConstant* shape = constant_input(node, 1);
        const bool joins = shape != nullptr && shape->integers.size() == 3 &&
                           shape->integers[0] == 0 && shape->integers[1] == 0;
        if (order != Order::tbdh || !joins) return tl::unexpected(step_first(node.inputs[0]));
        keep_as(std::move(node), Order::tbx);
        return {};
    }
    [[nodiscard]] const OnnxConstant* constant_input(const Node& node, std::size_t input) const {
        if (input >= node.inputs.size()) return nullptr;
        const auto found = content_.constants.find(node.inputs[input]);
        return found == content_.constants.end() ? nullptr : &found->second;
    }
    [[nodiscard]] bool has_one_row() const {
        return std::ranges::all_of(content_.inputs, [](const OnnxInput& input) {
            return !input.dimensions.empty() && input.dimensions[0] == 1;
        });
    }

    static std::string step_first(const std::string& value) {
        return "\"" + value +
               "\" has another first dimension than the batch (unsupported here); supported are "
               "layout = 1, and Transpose, Squeeze and Reshape around a recurrence as PyTorch and "
               "Keras export them";
    }

    OnnxContent& content_;
    std::map<std::string, Order> orders_;
};

}  // namespace

Result put_batch_first(OnnxContent& content) {
    const bool any = std::ranges::any_of(content.nodes, is_recurrent);
    return any ? BatchFirst(content).run() : Result{};
}

}  // namespace tamis::engine
