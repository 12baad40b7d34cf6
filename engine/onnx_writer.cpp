#include "engine/onnx_writer.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <bit>
#include <fstream>

#include "engine/graph_passes.hpp"
#include "engine/onnx_messages.hpp"
#include "engine/onnx_reader.hpp"
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

void set_value_type(onnx::ValueInfoProto& value, const std::string& name, const Shape& row) {
    value.set_name(name);
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const std::int64_t dimension : row.dimensions()) {
        type.mutable_shape()->add_dim()->set_dim_value(dimension);
    }
}

// What the graph keeps as an attribute and opset 13 wants as a constant input.
void add_constant(onnx::GraphProto& graph, onnx::NodeProto& node, const std::string& name) {
    onnx::TensorProto& constant = *graph.add_initializer();
    constant.set_name(name);
    node.add_input(name);
}

void write_reshape(onnx::GraphProto& graph, onnx::NodeProto& node, const Node& from) {
    std::vector<std::int64_t> shape{0};  // 0: the batch stays what it is
    for (const std::int64_t dimension : from.integers("shape")) shape.push_back(dimension);
    add_constant(graph, node, from.outputs[0] + "/shape");
    onnx::TensorProto& constant = *graph.mutable_initializer(graph.initializer_size() - 1);
    constant.set_data_type(onnx::TensorProto::INT64);
    constant.add_dims(static_cast<std::int64_t>(shape.size()));
    set_raw(constant, shape.data(), shape.size());
}

void write_dropout(onnx::GraphProto& graph, onnx::NodeProto& node, const Node& from) {
    const float ratio = from.real("ratio", 0.5F);
    add_constant(graph, node, from.outputs[0] + "/ratio");
    onnx::TensorProto& constant = *graph.mutable_initializer(graph.initializer_size() - 1);
    constant.set_data_type(onnx::TensorProto::FLOAT);
    set_raw(constant, &ratio, 1);
}

void write_node(onnx::GraphProto& graph, const Node& from) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_name(from.name);
    node.set_op_type(from.op);
    for (const std::string& input : from.inputs) node.add_input(input);
    for (const std::string& output : from.outputs) node.add_output(output);
    if (from.op == "Reshape") return write_reshape(graph, node, from);
    if (from.op == "Dropout") return write_dropout(graph, node, from);
    for (const auto& [name, value] : from.attributes) set_attribute(node, name, value);
}

}  // namespace

tl::expected<std::string, std::string> write_onnx(const Graph& given) {
    Graph graph = given;
    drop_unread_weights(graph);
    if (graph.name.empty()) graph.name = "network";
    const auto shapes = check_graph(graph);
    if (!shapes) return tl::unexpected(shapes.error());
    onnx::ModelProto model;
    model.set_ir_version(kIrVersion);
    model.set_producer_name("tamis");
    auto& opset = *model.add_opset_import();
    opset.set_domain("");
    opset.set_version(std::ranges::any_of(graph.nodes, is_recurrent) ? kRecurrentOpset : kOpset);
    onnx::GraphProto& to = *model.mutable_graph();
    to.set_name(graph.name);
    for (const GraphInput& input : graph.inputs) {
        set_value_type(*to.add_input(), input.name, input.row_shape);
    }
    for (const std::string& output : graph.outputs) {
        set_value_type(*to.add_output(), output, shapes->at(output));
    }
    for (const Node& node : graph.nodes) {
        write_node(to, is_recurrent(node) ? recurrence_for_onnx(node) : node);
    }
    for (const auto& [name, weight] : graph.weights) {
        onnx::TensorProto& tensor = *to.add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(onnx::TensorProto::FLOAT);
        for (const std::int64_t dimension : weight.shape.dimensions()) tensor.add_dims(dimension);
        set_raw(tensor, weight.values.data(), weight.values.size());
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
