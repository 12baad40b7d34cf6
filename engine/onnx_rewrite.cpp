#include "engine/onnx_rewrite.hpp"

#include <algorithm>

namespace tamis::engine {

namespace {

using NameResult = tl::expected<std::string, std::string>;
using Dimensions = std::vector<std::int64_t>;

Tensor tensor_of(const OnnxConstant& constant, Shape shape) {
    const std::size_t count = constant.count();
    if (constant.is_real() && count == shape.element_count()) {
        return Tensor(std::move(shape), constant.reals);
    }
    Tensor tensor{std::move(shape)};
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
        tensor.values[i] = constant.is_real() ? constant.reals[i % count]
                                              : static_cast<float>(constant.integers[i % count]);
    }
    return tensor;
}

// The name with marks behind until nothing has it.
template <class Taken>
std::string unused_name(std::string name, const Taken& taken) {
    while (taken(name)) name.push_back('\'');
    return name;
}

bool is_taken(const NormalForm& form, const std::string& name) {
    return form.constants.contains(name) || form.shapes.contains(name) ||
           form.graph.weights.contains(name);
}

}  // namespace

Rewritten spend(NormalForm& form, std::size_t elements) {
    constexpr std::size_t kMaxMadeElements = std::size_t{1} << 24;  // as many as a file can hold
    form.made_elements += elements;
    if (form.made_elements > kMaxMadeElements) {
        return refuse_form("constants of more than " + std::to_string(kMaxMadeElements) +
                           " elements would be made (too large)");
    }
    return {};
}

const Shape* Rewrite::row(std::size_t input) const {
    if (!arguments.has(input)) return nullptr;
    const auto found = form.shapes.find(node().inputs[input]);
    return found == form.shapes.end() ? nullptr : &found->second;
}

Dimensions Rewrite::dimensions(std::size_t input) const {
    Dimensions list;
    if (!whole()) list.push_back(form.batch);
    const Shape* shape = row(input);
    if (shape != nullptr) {
        list.insert(list.end(), shape->dimensions().begin(), shape->dimensions().end());
    }
    return list;
}

tl::expected<std::int64_t, std::string> Rewrite::axis(std::size_t plain) const {
    if (whole()) return static_cast<std::int64_t>(plain) + 1;
    if (plain == 0) {
        return refuse_form(
            "axis 0 is the batch: its rows would be mixed (unsupported); an axis of "
            "the row is supported");
    }
    return static_cast<std::int64_t>(plain);
}

tl::expected<std::int64_t, std::string> Rewrite::axis_of(std::int64_t given,
                                                         std::size_t rank) const {
    const auto plain = plain_axis(given, rank);
    if (!plain) return tl::unexpected(plain.error());
    return axis(*plain);
}

tl::expected<Dimensions, std::string> Rewrite::row_of(const Dimensions& dimensions) const {
    if (whole()) return dimensions;
    if (dimensions.empty() || dimensions[0] != form.batch) {
        return refuse_form(
            "would mix the rows of a batch (unsupported); the batch must stay first");
    }
    return Dimensions(dimensions.begin() + 1, dimensions.end());
}

NameResult Rewrite::weight(std::size_t input) const {
    const OnnxConstant* constant = arguments.constant(input);
    if (constant == nullptr) {
        return refuse_form("input " + std::to_string(input) + " must be a constant");
    }
    auto shape = Shape::make(constant->dimensions);
    if (!shape) return tl::unexpected(shape.error());
    const std::string& name = node().inputs[input];
    if (!form.graph.weights.contains(name)) {
        form.graph.weights[name] = tensor_of(*constant, std::move(*shape));
        if (!constant->is_real()) form.graph.integer_types[name] = constant->type;
    }
    return name;
}

NameResult Rewrite::weight(std::size_t input, const Shape& shape) const {
    auto name = weight(input);
    if (!name || form.graph.weights.at(*name).shape == shape) return name;
    const OnnxConstant& constant = *arguments.constant(input);
    if (auto spent = spend(form, shape.element_count()); !spent)
        return tl::unexpected(spent.error());
    const Tensor tensor = tensor_of(constant, shape);
    // Where the same weight has been made in this shape, it is shared.
    name = unused_name(*name + "/row", [&](const std::string& wanted) {
        const auto made = form.graph.weights.find(wanted);
        return is_taken(form, wanted) &&
               (made == form.graph.weights.end() || made->second != tensor);
    });
    form.graph.weights[*name] = tensor;
    if (!constant.is_real()) form.graph.integer_types[*name] = constant.type;
    return name;
}

NameResult Rewrite::new_weight(const std::string& suffix, const Shape& shape, float value,
                               ElementType type) const {
    if (auto spent = spend(form, shape.element_count()); !spent)
        return tl::unexpected(spent.error());
    const std::string name =
        unused_name(node().outputs[0] + "/" + suffix,
                    [&](const std::string& wanted) { return is_taken(form, wanted); });
    Tensor tensor{shape};
    std::ranges::fill(tensor.values, value);
    form.graph.weights[name] = std::move(tensor);
    if (type != ElementType::float32) form.graph.integer_types[name] = type;
    return name;
}

NameResult Rewrite::step(const std::string& op, const std::vector<std::string>& inputs,
                         std::map<std::string, Attribute> attributes) const {
    const std::string name =
        unused_name(node().outputs[0] + "/" + op,
                    [&](const std::string& wanted) { return is_taken(form, wanted); });
    if (auto done = append(Node{name, op, inputs, {name}, std::move(attributes)}); !done) {
        return tl::unexpected(done.error());
    }
    return name;
}

Rewritten Rewrite::finish(const std::string& op, const std::vector<std::string>& inputs,
                          std::map<std::string, Attribute> attributes) const {
    return append(Node{node().name, op, inputs, node().outputs, std::move(attributes)});
}

Rewritten Rewrite::finish_output(std::size_t output, const std::string& op,
                                 const std::vector<std::string>& inputs,
                                 std::map<std::string, Attribute> attributes) const {
    const std::string name = output == 0 ? node().name : node().name + "/" + std::to_string(output);
    return append(Node{name, op, inputs, {node().outputs[output]}, std::move(attributes)});
}

NameResult Rewrite::in_row(const std::string& value, const Shape& row) const {
    if (form.shapes.at(value) == row) return value;
    return step("Reshape", {value},
                {{"shape", Dimensions(row.dimensions().begin(), row.dimensions().end())}});
}

Rewritten Rewrite::append(Node made) const {
    auto inferred = infer_node_shapes(form.graph, made, form.shapes);
    if (!inferred) return tl::unexpected(inferred.error());
    for (std::size_t i = 0; i < made.outputs.size(); ++i) {
        if (made.outputs[i].empty() || form.constants.contains(made.outputs[i]) ||
            !form.shapes.try_emplace(made.outputs[i], std::move((*inferred)[i])).second) {
            return refuse_form("its output \"" + made.outputs[i] +
                               "\" is defined twice or has no name");
        }
    }
    form.graph.nodes.push_back(std::move(made));
    return {};
}

}  // namespace tamis::engine
