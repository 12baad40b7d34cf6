#include "engine/onnx_survey.hpp"

#include <google/protobuf/io/coded_stream.h>

#include <map>
#include <set>

#include "engine/onnx_messages.hpp"
#include "engine/onnx_normal_form.hpp"
#include "engine/onnx_reader.hpp"

namespace tamis::engine {

namespace {

bool is_own_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::string type_name(const onnx::TypeProto& type) {
    if (!type.has_tensor_type()) return "?";
    static const std::map<int, std::string> names = {
        {onnx::TensorProto::FLOAT, "float32"},   {onnx::TensorProto::DOUBLE, "float64"},
        {onnx::TensorProto::FLOAT16, "float16"}, {onnx::TensorProto::BFLOAT16, "bfloat16"},
        {onnx::TensorProto::INT64, "int64"},     {onnx::TensorProto::INT32, "int32"},
        {onnx::TensorProto::INT8, "int8"},       {onnx::TensorProto::UINT8, "uint8"},
        {onnx::TensorProto::BOOL, "bool"},       {onnx::TensorProto::STRING, "string"}};
    const auto found = names.find(type.tensor_type().elem_type());
    return found == names.end() ? "?" : found->second;
}

std::string shape_text(const onnx::TypeProto& type) {
    if (!type.has_tensor_type() || !type.tensor_type().has_shape()) return "?";
    std::string text = "[";
    for (const auto& dimension : type.tensor_type().shape().dim()) {
        text += text.size() > 1 ? ", " : "";
        if (dimension.has_dim_value()) {
            text += std::to_string(dimension.dim_value());
        } else {
            text += dimension.has_dim_param() && !dimension.dim_param().empty()
                        ? dimension.dim_param()
                        : "?";
        }
    }
    return text + "]";
}

OnnxPort port_of(const onnx::ValueInfoProto& value) {
    return {value.name(), type_name(value.type()), shape_text(value.type())};
}

std::uint64_t float_count(const onnx::TensorProto& tensor) {
    if (tensor.data_type() != onnx::TensorProto::FLOAT) return 0;
    return tensor.has_raw_data() ? tensor.raw_data().size() / sizeof(float)
                                 : static_cast<std::uint64_t>(tensor.float_data_size());
}

void survey_nodes(const onnx::GraphProto& graph, OnnxSurvey& survey) {
    std::map<std::string, OnnxOperator> operators;
    for (const auto& node : graph.node()) {
        const bool own = is_own_domain(node.domain());
        const std::string name = own ? node.op_type() : node.domain() + "." + node.op_type();
        const bool supported = own && is_readable_operator(node.op_type());
        OnnxOperator& entry = operators[name];
        entry.name = name;
        entry.is_supported = supported;
        ++entry.count;
        if (!supported) {
            const std::string& label = !node.name().empty()     ? node.name()
                                       : node.output_size() > 0 ? node.output(0)
                                                                : node.name();
            std::string& line = survey.unsupported_nodes.emplace_back("node \"");
            line.append(label).append("\" (").append(name).append(")");
        }
        for (const auto& attribute : node.attribute()) {
            survey.parameters += float_count(attribute.t());
        }
    }
    for (auto& [name, entry] : operators) survey.operators.push_back(std::move(entry));
}

}  // namespace

tl::expected<OnnxSurvey, std::string> survey_onnx(std::span<const std::byte> bytes) {
    if (bytes.size() > kMaxModelBytes) {
        return tl::unexpected("a model of " + std::to_string(bytes.size()) +
                              " bytes (too large); at most " + std::to_string(kMaxModelBytes) +
                              " are read");
    }
    onnx::ModelProto model;
    google::protobuf::io::CodedInputStream stream(
        reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    stream.SetRecursionLimit(20);
    if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage() ||
        !model.has_graph()) {
        return tl::unexpected(
            std::string("the bytes are no ONNX model (damaged or another format); give an .onnx "
                        "file with a network"));
    }
    OnnxSurvey survey;
    survey.producer = model.producer_name();
    for (const auto& import : model.opset_import()) {
        if (is_own_domain(import.domain())) survey.opset = import.version();
    }
    std::set<std::string> tensors;
    for (const auto& tensor : model.graph().initializer()) {
        tensors.insert(tensor.name());
        survey.parameters += float_count(tensor);
    }
    for (const auto& input : model.graph().input()) {
        if (!tensors.contains(input.name())) survey.inputs.push_back(port_of(input));
    }
    for (const auto& output : model.graph().output()) survey.outputs.push_back(port_of(output));
    survey_nodes(model.graph(), survey);
    return survey;
}

}  // namespace tamis::engine
