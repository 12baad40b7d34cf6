// ONNX models written part by part as other tools write them, and what is expected of them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/network.hpp"
#include "engine/onnx_messages.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine::test {

// A model in the making, one call per part.
class Model {
 public:
    explicit Model(std::int64_t opset, std::int64_t batch = 0) : batch_(batch) {
        proto_.set_ir_version(7);
        proto_.add_opset_import()->set_version(opset);
        graph().set_name("test");
    }
    onnx::GraphProto& graph() { return *proto_.mutable_graph(); }
    onnx::ModelProto& proto() { return proto_; }

    Model& input(const std::string& name, const std::vector<std::int64_t>& row) {
        auto& value = *graph().add_input();
        value.set_name(name);
        auto& type = *value.mutable_type()->mutable_tensor_type();
        type.set_elem_type(onnx::TensorProto::FLOAT);
        auto& batch = *type.mutable_shape()->add_dim();
        if (batch_ > 0) {
            batch.set_dim_value(batch_);
        } else {
            batch.set_dim_param("N");
        }
        for (const auto dimension : row) type.mutable_shape()->add_dim()->set_dim_value(dimension);
        return *this;
    }
    Model& output(const std::string& name) {
        graph().add_output()->set_name(name);
        return *this;
    }
    onnx::TensorProto& weight(const std::string& name, const std::vector<std::int64_t>& dims) {
        auto& tensor = *graph().add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(onnx::TensorProto::FLOAT);
        std::int64_t count = 1;
        for (const auto dimension : dims) {
            tensor.add_dims(dimension);
            count *= dimension;
        }
        for (std::int64_t i = 0; i < std::min<std::int64_t>(count, 4096); ++i) {
            tensor.add_float_data(0.25F * static_cast<float>(i % 7) - 0.5F);
        }
        return tensor;
    }
    Model& shape_constant(const std::string& name, const std::vector<std::int64_t>& values) {
        auto& tensor = *graph().add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(onnx::TensorProto::INT64);
        tensor.add_dims(static_cast<std::int64_t>(values.size()));
        for (const auto value : values) tensor.add_int64_data(value);
        return *this;
    }
    onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                          const std::string& output) {
        auto& node = *graph().add_node();
        node.set_op_type(op);
        node.set_name(op + "_node");
        for (const auto& name : inputs) node.add_input(name);
        node.add_output(output);
        return node;
    }
    tl::expected<Graph, std::string> read() const {
        const std::string bytes = proto_.SerializeAsString();
        return read_onnx(std::as_bytes(std::span(bytes)));
    }

 private:
    onnx::ModelProto proto_;
    std::int64_t batch_;
};

inline void set(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
}

inline void set(onnx::NodeProto& node, const std::string& name, const std::string& value) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(value);
}

inline void set(onnx::NodeProto& node, const std::string& name, float value) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(value);
}

inline void set(onnx::NodeProto& node, const std::string& name,
                const std::vector<std::int64_t>& values) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const auto value : values) attribute.add_ints(value);
}

inline void expect_refused(const Model& model, const std::vector<std::string>& words) {
    const auto graph = model.read();
    ASSERT_FALSE(graph.has_value());
    for (const std::string& word : words) {
        EXPECT_NE(graph.error().find(word), std::string::npos) << graph.error();
    }
}

// Compiled and reference agree on what was read.
inline void expect_runs(const Model& model) {
    const auto graph = model.read();
    ASSERT_TRUE(graph.has_value()) << graph.error();
    const auto network = Network::compile(*graph);
    ASSERT_TRUE(network.has_value()) << network.error();
    NetworkRunner runner(*network);
    auto rows = random_rows(3 * (*network)->inputs()[0].row_size, 2);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i] = runner.input(0)[i] = static_cast<float>(rows[i]);
    }
    ASSERT_EQ(runner.run(3), RunStatus::ok);
    const std::vector<std::vector<double>> inputs{rows};
    const auto wanted = evaluate_reference(*graph, 3, inputs);
    for (std::size_t i = 0; i < (*wanted)[0].size(); ++i) {
        EXPECT_NEAR(runner.output(0)[i], (*wanted)[0][i], 1e-5);
    }
}

}  // namespace tamis::engine::test
