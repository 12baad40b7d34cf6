#include "engine/onnx_reader.hpp"

#include <google/protobuf/io/coded_stream.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <set>

#include "engine/onnx_field_count.hpp"
#include "engine/onnx_messages.hpp"
#include "engine/onnx_normal_form.hpp"

namespace tamis::engine {

namespace {

using Result = tl::expected<void, std::string>;

static_assert(std::endian::native == std::endian::little, "ONNX raw data is little-endian");

// More than any trigger network has; keeps the cost of hostile files linear.
constexpr int kMaxNodes = 4096;
constexpr int kMaxTensors = 16384;
constexpr int kMaxDimensions = 8;

tl::unexpected<std::string> refuse(std::string message) {
    return tl::unexpected(std::move(message));
}

// The values of a tensor from raw_data or from its typed field; the counts must match the shape
// exactly, so that no tensor is larger than the file.
template <class T, class Field>
tl::expected<std::vector<T>, std::string> tensor_values(const onnx::TensorProto& tensor,
                                                        const Field& field, std::size_t count) {
    std::vector<T> values;
    if (tensor.has_raw_data()) {
        if (tensor.raw_data().size() != count * sizeof(T)) {
            return refuse("holds " + std::to_string(tensor.raw_data().size()) +
                          " bytes; its shape needs " + std::to_string(count * sizeof(T)));
        }
        values.resize(count);
        std::memcpy(values.data(), tensor.raw_data().data(), count * sizeof(T));
        return values;
    }
    if (static_cast<std::size_t>(field.size()) != count) {
        return refuse("holds " + std::to_string(field.size()) + " values; its shape needs " +
                      std::to_string(count));
    }
    values.assign(field.begin(), field.end());
    return values;
}

tl::expected<Shape, std::string> tensor_shape(const onnx::TensorProto& tensor) {
    if (tensor.dims_size() > kMaxDimensions) return refuse("has too many dimensions");
    const std::vector<std::int64_t> dimensions(tensor.dims().begin(), tensor.dims().end());
    return Shape::make(dimensions);
}

class Reader {
 public:
    explicit Reader(const onnx::ModelProto& model) : model_(model) {}

    tl::expected<Graph, std::string> read() {
        for (const auto& step : {&Reader::read_versions, &Reader::read_tensors, &Reader::read_nodes,
                                 &Reader::read_ports}) {
            if (Result done = (this->*step)(); !done) return tl::unexpected(done.error());
        }
        if (Result sorted = sort_nodes(content_.graph); !sorted) {
            return tl::unexpected(sorted.error());
        }
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
        const auto located = [&](const std::string& why) {
            return refuse("tensor \"" + name + "\": " + why);
        };
        if (name.empty() || !tensor_names_.insert(name).second) {
            return located("has no name or is defined twice");
        }
        if (tensor.external_data_size() > 0 ||
            tensor.data_location() == onnx::TensorProto::EXTERNAL) {
            return located("keeps its data in another file (refused); store it inside the model");
        }
        if (tensor.has_segment()) return located("is split into segments (unsupported)");
        auto shape = tensor_shape(tensor);
        if (!shape) return located(shape.error());
        const std::size_t count = shape->element_count();
        switch (tensor.data_type()) {
            case onnx::TensorProto::FLOAT: {
                auto values = tensor_values<float>(tensor, tensor.float_data(), count);
                if (!values) return located(values.error());
                content_.graph.weights[name] = Tensor(std::move(*shape), *values);
                return {};
            }
            case onnx::TensorProto::INT64: {
                auto values = tensor_values<std::int64_t>(tensor, tensor.int64_data(), count);
                if (!values) return located(values.error());
                content_.integers[name] = std::move(*values);
                return {};
            }
            default:
                return located("has element type " + std::to_string(tensor.data_type()) +
                               " (unsupported); supported are float32, and int64 for shapes");
        }
    }

    // Constant nodes are tensors with a detour.
    Result add_constant(const onnx::NodeProto& node) {
        if (node.output_size() != 1 || node.attribute_size() != 1 || !node.attribute(0).has_t() ||
            node.attribute(0).name() != "value") {
            return refuse("node \"" + node.name() +
                          "\" (Constant): only the form with one tensor \"value\" is supported");
        }
        return add_tensor(node.output(0), node.attribute(0).t());
    }

    Result read_nodes() {
        for (const auto& from : model_.graph().node()) {
            if (!from.domain().empty() && from.domain() != "ai.onnx") {
                return refuse("node \"" + from.name() + "\" (" + from.op_type() + ", domain \"" +
                              from.domain() + "\"): only operators of ai.onnx are supported");
            }
            if (from.op_type() == "Constant") {
                if (Result done = add_constant(from); !done) return done;
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
            content_.graph.nodes.push_back(std::move(node));
        }
        return {};
    }

    static Result add_attribute(Node& node, const onnx::AttributeProto& from) {
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
            if (tensor_names_.contains(input.name())) continue;
            if (Result done = add_input(input); !done) return done;
        }
        for (const auto& output : model_.graph().output()) {
            content_.graph.outputs.push_back(output.name());
        }
        content_.graph.name = model_.graph().name();
        return {};
    }

    Result add_input(const onnx::ValueInfoProto& input) {
        const auto located = [&](const std::string& why) {
            return refuse("input \"" + input.name() + "\": " + why);
        };
        const auto& type = input.type().tensor_type();
        if (!input.type().has_tensor_type() || type.elem_type() != onnx::TensorProto::FLOAT) {
            return located("is no float32 tensor (unsupported)");
        }
        const auto& dims = type.shape().dim();
        if (dims.size() < 2 || dims.size() > kMaxDimensions) {
            return located("has " + std::to_string(dims.size()) +
                           " dimensions; the batch and at least one more are needed");
        }
        if (dims[0].has_dim_value() && dims[0].dim_value() > 0) {
            const std::int64_t batch = dims[0].dim_value();
            if (content_.fixed_batch.value_or(batch) != batch) {
                return located("has another batch size than the inputs before it");
            }
            content_.fixed_batch = batch;
        }
        std::vector<std::int64_t> row;
        for (int axis = 1; axis < dims.size(); ++axis) {
            if (!dims[axis].has_dim_value()) {
                return located("dimension " + std::to_string(axis) +
                               " is not fixed; only the batch may be open");
            }
            row.push_back(dims[axis].dim_value());
        }
        auto shape = Shape::make(row);
        if (!shape) return located(shape.error());
        content_.graph.inputs.push_back({input.name(), std::move(*shape)});
        return {};
    }

    const onnx::ModelProto& model_;
    OnnxContent content_;
    std::set<std::string> tensor_names_;
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
