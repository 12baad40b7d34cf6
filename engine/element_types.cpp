// infer_element_types of graph.hpp: what each operator takes and gives. Cold path.
#include <algorithm>
#include <array>

#include "engine/graph.hpp"

namespace tamis::engine {

namespace {

using Types = std::map<std::string, ElementType>;

constexpr std::array<std::string_view, 10> kKeepTheirType = {
    "Identity", "Flatten", "Reshape", "Transpose", "Slice",
    "Gather",   "Pad",     "Expand",  "Concat",    "MaxPool"};

bool keeps_type(const Node& node) {
    return std::ranges::find(kKeepTheirType, node.op) != kKeepTheirType.end();
}

bool is_byte(ElementType type) { return type == ElementType::uint8 || type == ElementType::int8; }

// Per operator with integers: how many leading inputs are bytes or floats, as 'b', 'f', 'i'
// (int32), and where the type of the result is taken from.
struct IntegerForm {
    std::string_view op;
    std::string_view inputs;
    ElementType result;
    int result_like = -1;  // the input whose type the result has
};

constexpr std::array kIntegerForms = {
    IntegerForm{"QuantizeLinear", "ffb", ElementType::uint8, 2},
    IntegerForm{"DequantizeLinear", "bfb", ElementType::float32},
    IntegerForm{"QLinearConv", "bfbbfbfbi", ElementType::uint8, 7},
    IntegerForm{"QLinearMatMul", "bfbbfbfb", ElementType::uint8, 7},
    IntegerForm{"ConvInteger", "bbbb", ElementType::int32},
    IntegerForm{"MatMulInteger", "bbbb", ElementType::int32},
};

bool fits(char wanted, ElementType type) {
    if (wanted == 'b') return is_byte(type);
    return type == (wanted == 'f' ? ElementType::float32 : ElementType::int32);
}

tl::expected<ElementType, std::string> result_type(const Node& node, const Types& types) {
    const auto type_of = [&](std::size_t input) { return types.at(node.inputs[input]); };
    if (node.op == "Cast") return ElementType::float32;
    const auto form = std::ranges::find(kIntegerForms, std::string_view(node.op), &IntegerForm::op);
    if (form != kIntegerForms.end()) {
        for (std::size_t i = 0; i < std::min(node.inputs.size(), form->inputs.size()); ++i) {
            // int32 is what ConvInteger gives: it may be dequantised.
            const bool wide = node.op == "DequantizeLinear" && type_of(i) == ElementType::int32;
            if (!fits(form->inputs[i], type_of(i)) && !wide) {
                return tl::unexpected("input " + std::to_string(i) + " is " + name_of(type_of(i)) +
                                      " (unsupported here)");
            }
        }
        const bool like = form->result_like >= 0 &&
                          static_cast<std::size_t>(form->result_like) < node.inputs.size();
        return like ? type_of(static_cast<std::size_t>(form->result_like)) : form->result;
    }
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const bool same = type_of(i) == type_of(0);
        if (keeps_type(node) ? !same : type_of(i) != ElementType::float32) {
            return tl::unexpected("input " + std::to_string(i) + " is " + name_of(type_of(i)) +
                                  " (unsupported here); supported is float32");
        }
    }
    return keeps_type(node) ? type_of(0) : ElementType::float32;
}

}  // namespace

std::string name_of(ElementType type) {
    constexpr std::array<std::string_view, 6> kNames = {"float32", "int64", "int32",
                                                        "uint8",   "int8",  "boolean"};
    return std::string(kNames.at(static_cast<std::size_t>(type)));
}

tl::expected<Types, std::string> infer_element_types(const Graph& graph) {
    Types types;
    for (const GraphInput& input : graph.inputs) types[input.name] = ElementType::float32;
    for (const auto& [name, weight] : graph.weights) types[name] = ElementType::float32;
    for (const auto& [name, type] : graph.integer_types) types[name] = type;
    for (const Node& node : graph.nodes) {
        const auto type = result_type(node, types);
        if (!type) {
            return tl::unexpected("node \"" + node.name + "\" (" + node.op + "): " + type.error());
        }
        for (const std::string& output : node.outputs) types[output] = *type;
        if (node.op == "ArgMax") types[node.outputs[0]] = ElementType::int64;
        if (node.op == "TopK") types[node.outputs[1]] = ElementType::int64;
    }
    return types;
}

}  // namespace tamis::engine
