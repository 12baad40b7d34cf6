#include "engine/onnx_writer.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <bit>
#include <fstream>

#include "engine/graph_passes.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/onnx_tensors.hpp"
#include "engine/recurrent_form.hpp"
#include "engine/recurrent_onnx.hpp"

namespace tamis::engine {

namespace {

constexpr int kOpset = 13;
constexpr int kIrVersion = 7;

void set_attribute(onnx::NodeProto& node, const std::string& name, const Attribute& value) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        attribute.set_type(onnx::AttributeProto::INT);
        attribute.set_i(*integer);
    } else if (const auto* real = std::get_if<float>(&value)) {
        attribute.set_type(onnx::AttributeProto::FLOAT);
        attribute.set_f(*real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        attribute.set_type(onnx::AttributeProto::STRING);
        attribute.set_s(*text);
    } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
        attribute.set_type(onnx::AttributeProto::INTS);
        for (const std::int64_t entry : *integers) attribute.add_ints(entry);
    } else {
        attribute.set_type(onnx::AttributeProto::FLOATS);
        for (const float entry : std::get<std::vector<float>>(value)) attribute.add_floats(entry);
    }
}

template <class T>
void set_raw(onnx::TensorProto& tensor, const T* values, std::size_t count) {
    static_assert(std::endian::native == std::endian::little, "ONNX raw data is little-endian");
    tensor.set_raw_data(values, count * sizeof(T));
}

void set_value_type(onnx::ValueInfoProto& value, const std::string& name, const Shape& row,
                    ElementType element) {
    value.set_name(name);
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(format_type(element));
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const std::int64_t dimension : row.dimensions()) {
        type.mutable_shape()->add_dim()->set_dim_value(dimension);
    }
}

template <class To>
void set_integers(onnx::TensorProto& tensor, std::span<const float> values) {
    std::vector<To> integers;
    for (const float value : values) integers.push_back(static_cast<To>(value));
    set_raw(tensor, integers.data(), integers.size());
}

void write_weight(onnx::GraphProto& graph, const std::string& name, const Tensor& weight,
                  ElementType type) {
    onnx::TensorProto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(format_type(type));
    for (const std::int64_t dimension : weight.shape.dimensions()) tensor.add_dims(dimension);
    switch (type) {
        case ElementType::float32:
            return set_raw(tensor, weight.values.data(), weight.values.size());
        case ElementType::int64:
            return set_integers<std::int64_t>(tensor, weight.values);
        case ElementType::int32:
            return set_integers<std::int32_t>(tensor, weight.values);
        case ElementType::int8:
            return set_integers<std::int8_t>(tensor, weight.values);
        case ElementType::uint8:
        case ElementType::boolean:
            return set_integers<std::uint8_t>(tensor, weight.values);
    }
}

// Writes a node; what the graph keeps as an attribute and opset 13 wants as a constant input goes
// to the initialisers.
class NodeWriter {
 public:
    NodeWriter(onnx::GraphProto& graph, const Node& from)
        : graph_(graph), from_(from), node_(*graph.add_node()) {
        node_.set_name(from.name);
        node_.set_op_type(from.op);
        for (const std::string& input : from.inputs) node_.add_input(input);
        for (const std::string& output : from.outputs) node_.add_output(output);
    }

    void write() {
        const std::string& op = from_.op;
        if (op == "Reshape") return integers("shape", with_batch(from_.integers("shape"), 0));
        if (op == "Expand") return integers("shape", with_batch(from_.integers("shape"), 1));
        if (op == "Dropout") return real("ratio", from_.real("ratio", 0.5F));
        if (op == "Gather") return gather();
        if (op == "Pad") return pad();
        if (op == "Clip") {
            real("min", from_.real("min", 0.F));
            return real("max", from_.real("max", 0.F));
        }
        if (op == "Slice") {
            for (const char* list : {"starts", "ends", "axes", "steps"}) {
                integers(list, from_.integers(list));
            }
            return;
        }
        if (op == "ReduceSum") return moved_to_input("axes", from_.integers("axes"));
        if (op == "TopK") return moved_to_input("k", {from_.integer("k", 1)});
        for (const auto& [name, value] : from_.attributes) set_attribute(node_, name, value);
    }

 private:
    static std::vector<std::int64_t> with_batch(std::vector<std::int64_t> row, std::int64_t batch) {
        row.insert(row.begin(), batch);
        return row;
    }

    onnx::TensorProto& constant(const std::string& suffix, ElementType type) {
        onnx::TensorProto& tensor = *graph_.add_initializer();
        tensor.set_name(from_.outputs[0] + "/" + suffix);
        tensor.set_data_type(format_type(type));
        node_.add_input(tensor.name());
        return tensor;
    }

    void integers(const std::string& suffix, const std::vector<std::int64_t>& values) {
        onnx::TensorProto& tensor = constant(suffix, ElementType::int64);
        tensor.add_dims(static_cast<std::int64_t>(values.size()));
        set_raw(tensor, values.data(), values.size());
    }

    void real(const std::string& suffix, float value) {
        set_raw(constant(suffix, ElementType::float32), &value, 1);
    }

    void moved_to_input(const std::string& attribute, const std::vector<std::int64_t>& values) {
        integers(attribute, values);
        for (const auto& [name, value] : from_.attributes) {
            if (name != attribute) set_attribute(node_, name, value);
        }
    }

    void gather() {
        integers("indices", from_.integers("indices"));
        onnx::TensorProto& tensor = *graph_.mutable_initializer(graph_.initializer_size() - 1);
        tensor.clear_dims();
        for (const auto dimension : from_.integers("indices_shape")) tensor.add_dims(dimension);
        set_attribute(node_, "axis", from_.attributes.at("axis"));
    }

    void pad() {
        std::vector<std::int64_t> pads = from_.integers("pads");
        pads.insert(pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2), 0);
        integers("pads", with_batch(std::move(pads), 0));
        // The type of the value is the type of what is padded; only float32 has a choice.
        if (from_.real("value", 0.F) != 0.F) real("value", from_.real("value", 0.F));
        set_attribute(node_, "mode", from_.attributes.at("mode"));
    }

    onnx::GraphProto& graph_;
    const Node& from_;
    onnx::NodeProto& node_;
};

}  // namespace

tl::expected<std::string, std::string> write_onnx(const Graph& given) {
    Graph graph = given;
    drop_unread_weights(graph);
    if (graph.name.empty()) graph.name = "network";
    const auto shapes = check_graph(graph);
    if (!shapes) return tl::unexpected(shapes.error());
    const auto types = infer_element_types(graph);
    if (!types) return tl::unexpected(types.error());
    onnx::ModelProto model;
    model.set_ir_version(kIrVersion);
    model.set_producer_name("tamis");
    auto& opset = *model.add_opset_import();
    opset.set_domain("");
    opset.set_version(std::ranges::any_of(graph.nodes, is_recurrent) ? kRecurrentOpset : kOpset);
    onnx::GraphProto& to = *model.mutable_graph();
    to.set_name(graph.name);
    for (const GraphInput& input : graph.inputs) {
        set_value_type(*to.add_input(), input.name, input.row_shape, types->at(input.name));
    }
    for (const std::string& output : graph.outputs) {
        set_value_type(*to.add_output(), output, shapes->at(output), types->at(output));
    }
    for (const Node& node : graph.nodes) {
        if (is_recurrent(node)) {
            NodeWriter(to, recurrence_for_onnx(node)).write();
        } else {
            NodeWriter(to, node).write();
        }
    }
    for (const auto& [name, weight] : graph.weights) {
        write_weight(to, name, weight, types->at(name));
    }
    std::string bytes;
    {
        google::protobuf::io::StringOutputStream stream(&bytes);
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        if (!model.SerializeToCodedStream(&coded)) {
            return tl::unexpected(std::string("the model could not be written (too large?)"));
        }
    }
    // A file that would not come back as this graph is not worth having.
    const auto back = read_onnx(std::as_bytes(std::span(bytes)));
    if (!back || *back != graph) {
        return tl::unexpected(
            "the model does not read back as it is (" +
            (back ? "not in the normal form of graph.hpp, or weights not finite" : back.error()) +
            ")");
    }
    return bytes;
}

tl::expected<void, std::string> write_onnx_file(const Graph& graph,
                                                const std::filesystem::path& path) {
    auto bytes = write_onnx(graph);
    if (!bytes) return tl::unexpected(bytes.error());
    std::filesystem::path unfinished = path;
    unfinished += ".part";
    {
        std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
        file.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
        file.close();
        if (!file) {
            return tl::unexpected(unfinished.string() +
                                  ": cannot be written; check the folder and its space");
        }
    }
    std::error_code failed;
    std::filesystem::rename(unfinished, path, failed);
    if (failed) return tl::unexpected(path.string() + ": " + failed.message());
    return {};
}

}  // namespace tamis::engine
