// Reference functions of one element and arithmetic of two.
#include <algorithm>
#include <cmath>

#include "engine/reference_values.hpp"

namespace tamis::engine::reference {

namespace {

using Function = double (*)(const Node& node, double x);

const std::map<std::string, Function>& functions() {
    static const std::map<std::string, Function> kFunctions = {
        {"Relu", [](const Node&, double x) { return std::max(x, 0.0); }},
        {"LeakyRelu",
         [](const Node& n, double x) { return x >= 0.0 ? x : x * n.real("alpha", 0.01F); }},
        {"Tanh", [](const Node&, double x) { return std::tanh(x); }},
        {"Sigmoid", [](const Node&, double x) { return 1.0 / (1.0 + std::exp(-x)); }},
        {"Exp", [](const Node&, double x) { return std::exp(x); }},
        {"Log", [](const Node&, double x) { return std::log(x); }},
        {"Sqrt", [](const Node&, double x) { return std::sqrt(x); }},
        {"Erf", [](const Node&, double x) { return std::erf(x); }},
        {"Abs", [](const Node&, double x) { return std::abs(x); }},
        {"Neg", [](const Node&, double x) { return -x; }},
        {"Softplus", [](const Node&, double x) { return std::log(1.0 + std::exp(x)); }},
        {"Clip",
         [](const Node& n, double x) {
             return std::min<double>(std::max<double>(x, n.real("min", 0.F)), n.real("max", 0.F));
         }},
        {"Elu", [](const Node& n,
                   double x) { return x >= 0.0 ? x : n.real("alpha", 1.F) * (std::exp(x) - 1.0); }},
        {"Selu",
         [](const Node& n, double x) {
             const double alpha = n.real("alpha", 0.F);
             return n.real("gamma", 0.F) * (x > 0.0 ? x : alpha * std::exp(x) - alpha);
         }},
        {"HardSigmoid",
         [](const Node& n, double x) {
             return std::max(0.0, std::min(1.0, n.real("alpha", 0.F) * x + n.real("beta", 0.F)));
         }},
        {"Identity", [](const Node&, double x) { return x; }},
        {"Cast", [](const Node&, double x) { return x; }},
        {"Dropout", [](const Node&, double x) { return x; }},
        {"Flatten", [](const Node&, double x) { return x; }},
        {"Reshape", [](const Node&, double x) { return x; }},
    };
    return kFunctions;
}

double combined(const Node& node, double left, double right) {
    if (node.op == "Add") return left + right;
    if (node.op == "Sub") return left - right;
    if (node.op == "Mul") return left * right;
    if (node.op == "Div") return left / right;
    if (node.op == "Pow") return std::pow(left, right);
    return left >= 0.0 ? left : left * right;  // PRelu
}

Values arithmetic(const Evaluation& at, const Node& node) {
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(extents(at.out(node)), [&](const Axes& index) {
            const auto side = [&](std::size_t input) {
                return at.element(node, input, row,
                                  repeated_offset(index, extents(at.shape(node, input))));
            };
            y.push_back(combined(node, side(0), side(1)));
        });
    }
    return y;
}

}  // namespace

Results evaluate_elementwise(const Evaluation& at, const Node& node) {
    const auto function = functions().find(node.op);
    if (function != functions().end()) {
        Values y = at.value(node, 0);
        for (double& value : y) value = function->second(node, value);
        return {y};
    }
    if (node.op == "Add" || node.op == "Sub" || node.op == "Mul" || node.op == "Div" ||
        node.op == "Pow" || node.op == "PRelu") {
        return {arithmetic(at, node)};
    }
    return {};
}

}  // namespace tamis::engine::reference
