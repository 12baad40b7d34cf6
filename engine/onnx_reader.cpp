#include "engine/onnx_reader.hpp"

#include <google/protobuf/io/coded_stream.h>

#include <fstream>

#include "engine/onnx_field_count.hpp"
#include "engine/onnx_normal_form.hpp"
#include "engine/onnx_tensors.hpp"
#include "engine/refusal.hpp"

namespace tamis::engine {

namespace {

using Result = tl::expected<void, std::string>;

// More than any trigger network has; keeps the cost of hostile files linear.
constexpr int kMaxNodes = 4096;
constexpr int kMaxTensors = 16384;

class Reader {
 public:
    explicit Reader(const onnx::ModelProto& model) : model_(model) {}

    tl::expected<Graph, std::string> read() {
        for (const auto& step : {&Reader::read_versions, &Reader::read_tensors, &Reader::read_nodes,
                                 &Reader::read_ports}) {
            if (Result done = (this->*step)(); !done) return tl::unexpected(done.error());
        }
        Graph order;
        order.nodes = std::move(content_.nodes);
        if (Result sorted = sort_nodes(order); !sorted) return tl::unexpected(sorted.error());
        content_.nodes = std::move(order.nodes);
        return in_normal_form(std::move(content_));
    }

 private:
    Result read_versions() {
        if (!model_.has_graph()) return refuse("the file holds no network (not an ONNX model?)");
        if (model_.functions_size() > 0 || model_.training_info_size() > 0) {
            return refuse(
                "functions and training information are not supported; export a plain "
                "inference graph");
        }
        bool found = false;
        for (const auto& import : model_.opset_import()) {
            if (!import.domain().empty() && import.domain() != "ai.onnx") continue;
            content_.opset = import.version();
            found = true;
        }
        if (!found || content_.opset < kOldestOpset || content_.opset > kNewestOpset) {
            return refuse("opset " + (found ? std::to_string(content_.opset) : "(none)") +
                          " (unsupported); export the model with opset " +
                          std::to_string(kOldestOpset) + " to " + std::to_string(kNewestOpset));
        }
        return {};
    }

    Result read_tensors() {
        const onnx::GraphProto& graph = model_.graph();
        if (graph.sparse_initializer_size() > 0) {
            return refuse("sparse initialisers are not supported; store them dense");
        }
        if (graph.initializer_size() > kMaxTensors || graph.node_size() > kMaxNodes) {
            return refuse("more than " + std::to_string(kMaxNodes) + " nodes or " +
                          std::to_string(kMaxTensors) + " tensors (too many)");
        }
        for (const auto& tensor : graph.initializer()) {
            if (Result done = add_tensor(tensor.name(), tensor); !done) return done;
        }
        return {};
    }

    Result add_tensor(const std::string& name, const onnx::TensorProto& tensor) {
        auto constant = read_tensor(tensor);
        if (!constant) return refuse("tensor \"" + name + "\": " + constant.error());
        return add_constant(name, std::move(*constant));
    }

    Result add_constant(const std::string& name, OnnxConstant&& constant) {
        if (name.empty() || !content_.constants.try_emplace(name, std::move(constant)).second) {
            return refuse("tensor \"" + name + "\": has no name or is defined twice");
        }
        return {};
    }

    // Constant nodes are tensors with a detour.
    Result add_constant_node(const onnx::NodeProto& node) {
        const auto refused = [&] {
            return refuse("node \"" + node.name() +
                          "\" (Constant): only the forms with one tensor, number or list of "
                          "numbers are supported");
        };
        if (node.output_size() != 1 || node.attribute_size() != 1) return refused();
        const onnx::AttributeProto& value = node.attribute(0);
        if (value.name() == "value" && value.has_t()) return add_tensor(node.output(0), value.t());
        OnnxConstant constant;
        const bool is_list = value.name().ends_with("s");
        if (value.name() == "value_float") {
            constant.reals = {value.f()};
        } else if (value.name() == "value_floats") {
            constant.reals.assign(value.floats().begin(), value.floats().end());
        } else if (value.name() == "value_int" || value.name() == "value_ints") {
            constant.type = ElementType::int64;
            constant.integers.assign(value.ints().begin(), value.ints().end());
            if (!is_list) constant.integers = {value.i()};
        } else {
            return refused();
        }
        if (is_list) constant.dimensions = {static_cast<std::int64_t>(constant.count())};
        return add_constant(node.output(0), std::move(constant));
    }

    Result read_nodes() {
        for (const auto& from : model_.graph().node()) {
            if (!from.domain().empty() && from.domain() != "ai.onnx") {
                return refuse("node \"" + from.name() + "\" (" + from.op_type() + ", domain \"" +
                              from.domain() + "\"): only operators of ai.onnx are supported");
            }
            if (from.op_type() == "Constant") {
                if (Result done = add_constant_node(from); !done) return done;
                continue;
            }
            Node node;
            node.name = !from.name().empty()     ? from.name()
                        : from.output_size() > 0 ? from.output(0)
                                                 : std::string();
            node.op = from.op_type();
            node.inputs.assign(from.input().begin(), from.input().end());
            node.outputs.assign(from.output().begin(), from.output().end());
            for (const auto& attribute : from.attribute()) {
                if (Result done = add_attribute(node, attribute); !done) return done;
            }
            content_.nodes.push_back(std::move(node));
        }
        return {};
    }

    Result add_attribute(Node& node, const onnx::AttributeProto& from) {
        if (node.op == "ConstantOfShape" && from.name() == "value" && from.has_t()) {
            auto value = read_tensor(from.t());
            if (!value || node.outputs.empty()) {
                return refuse("node \"" + node.name + "\" (" + node.op +
                              "): " + (value ? "has no output" : value.error()));
            }
            content_.fill_values[node.outputs[0]] = std::move(*value);
            return {};
        }
        Attribute& to = node.attributes[from.name()];
        switch (from.type()) {
            case onnx::AttributeProto::INT:
                to = std::int64_t{from.i()};
                return {};
            case onnx::AttributeProto::FLOAT:
                to = from.f();
                return {};
            case onnx::AttributeProto::STRING:
                to = from.s();
                return {};
            case onnx::AttributeProto::INTS:
                to = std::vector<std::int64_t>(from.ints().begin(), from.ints().end());
                return {};
            case onnx::AttributeProto::FLOATS:
                to = std::vector<float>(from.floats().begin(), from.floats().end());
                return {};
            case onnx::AttributeProto::STRINGS: {
                std::string joined;
                for (const std::string& one : from.strings()) {
                    joined += (joined.empty() ? "" : " ") + one;
                }
                to = std::move(joined);
                return {};
            }
            default:
                return refuse("node \"" + node.name + "\" (" + node.op + "): attribute \"" +
                              from.name() + "\" has an unsupported type");
        }
    }

    Result read_ports() {
        for (const auto& input : model_.graph().input()) {
            // Old files list weights among the inputs.
            if (content_.constants.contains(input.name())) continue;
            if (Result done = add_input(input); !done) return done;
        }
        for (const auto& output : model_.graph().output()) {
            content_.outputs.push_back(output.name());
        }
        content_.name = model_.graph().name();
        return {};
    }

    Result add_input(const onnx::ValueInfoProto& input) {
        const auto located = [&](const std::string& why) {
            return refuse("input \"" + input.name() + "\": " + why);
        };
        const auto& type = input.type().tensor_type();
        const auto element = element_type(type.elem_type());
        // int64 and int32 would not fit a float exactly.
        const bool carried = element == ElementType::float32 || element == ElementType::uint8 ||
                             element == ElementType::int8;
        if (!input.type().has_tensor_type() || !carried) {
            return located("is no tensor of float32, uint8 or int8 (unsupported)");
        }
        OnnxInput to{input.name(), *element, {}};
        if (type.shape().dim_size() > kMaxDimensions) return located("has too many dimensions");
        for (const auto& dim : type.shape().dim()) {
            const bool open = !dim.has_dim_value() || dim.dim_value() < 0;
            to.dimensions.push_back(open ? -1 : dim.dim_value());
        }
        // Some exporters write 0 for an open batch.
        if (!to.dimensions.empty() && to.dimensions[0] == 0) to.dimensions[0] = -1;
        content_.inputs.push_back(std::move(to));
        return {};
    }

    const onnx::ModelProto& model_;
    OnnxContent content_;
};

}  // namespace

tl::expected<Graph, std::string> read_onnx(std::span<const std::byte> bytes) {
    if (bytes.size() > kMaxModelBytes) {
        return refuse("a model of " + std::to_string(bytes.size()) +
                      " bytes (too large); at most " + std::to_string(kMaxModelBytes) +
                      " are read");
    }
    if (Result fits = check_onnx_field_count(bytes); !fits) return tl::unexpected(fits.error());
    onnx::ModelProto model;
    google::protobuf::io::CodedInputStream stream(
        reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    stream.SetRecursionLimit(20);
    if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
        return refuse("the bytes are no ONNX model (damaged or another format)");
    }
    return Reader(model).read();
}

tl::expected<Graph, std::string> read_onnx_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
    if (size < 0) return refuse(path.string() + ": cannot be read; check that the file exists");
    if (static_cast<std::size_t>(size) > kMaxModelBytes) {
        return refuse(path.string() + ": " + std::to_string(size) + " bytes (too large); at most " +
                      std::to_string(kMaxModelBytes) + " are read");
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes.data()), size);
    if (!file) return refuse(path.string() + ": cannot be read to its end");
    auto graph = read_onnx(bytes);
    if (!graph) return refuse(path.string() + ": " + graph.error());
    return graph;
}

}  // namespace tamis::engine
