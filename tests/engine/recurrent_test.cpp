#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/network.hpp"
#include "engine/onnx_messages.hpp"
#include "engine/onnx_normal_form.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/random.hpp"
#include "engine/recurrent_kernels.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

namespace fs = std::filesystem;

template <class Message>
Message read_message(const fs::path& path) {
    Message message;
    std::ifstream stream(path, std::ios::binary);
    EXPECT_TRUE(message.ParseFromIstream(&stream)) << path;
    return message;
}

std::vector<float> floats_of(const onnx::TensorProto& tensor) {
    if (tensor.raw_data().empty()) return {tensor.float_data().begin(), tensor.float_data().end()};
    std::vector<float> values(tensor.raw_data().size() / sizeof(float));
    std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
    return values;
}

// The suite gives weights as inputs: all but the first become constants; lengths become int64.
onnx::ModelProto with_constants(const fs::path& folder) {
    auto model = read_message<onnx::ModelProto>(folder / "model.onnx");
    onnx::GraphProto& graph = *model.mutable_graph();
    for (int i = 1; i < graph.input_size(); ++i) {
        auto tensor = read_message<onnx::TensorProto>(folder / "test_data_set_0" /
                                                      ("input_" + std::to_string(i) + ".pb"));
        tensor.set_name(graph.input(i).name());
        if (tensor.data_type() == onnx::TensorProto::INT32) {
            std::vector<std::int32_t> lengths(tensor.int32_data().begin(),
                                              tensor.int32_data().end());
            if (lengths.empty()) {
                lengths.resize(tensor.raw_data().size() / sizeof(std::int32_t));
                std::memcpy(lengths.data(), tensor.raw_data().data(), tensor.raw_data().size());
            }
            tensor.clear_raw_data();
            tensor.clear_int32_data();
            tensor.set_data_type(onnx::TensorProto::INT64);
            for (const std::int32_t length : lengths) tensor.add_int64_data(length);
        }
        *graph.add_initializer() = tensor;
    }
    return model;
}

class OnnxRecurrence : public testing::TestWithParam<const char*> {};

TEST_P(OnnxRecurrence, gives_the_outputs_of_the_standards_own_tests) {
    const fs::path folder = fs::path("/usr/share/libonnx-testdata/data/node") / GetParam();
    if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not installed (libonnx-testdata)";
    const std::string bytes = with_constants(folder).SerializeAsString();
    const auto graph = read_onnx(std::as_bytes(std::span(bytes)));
    ASSERT_TRUE(graph.has_value()) << graph.error();
    const auto x =
        floats_of(read_message<onnx::TensorProto>(folder / "test_data_set_0/input_0.pb"));
    const std::size_t rows = x.size() / graph->inputs[0].row_shape.element_count();
    const auto network = Network::compile(*graph, {.max_batch = rows});
    ASSERT_TRUE(network.has_value()) << network.error();
    const std::vector<std::vector<double>> exact_x{{x.begin(), x.end()}};
    const auto exact = evaluate_reference(*graph, rows, exact_x);
    NetworkRunner runner(*network);
    std::ranges::copy(x, runner.input(0).begin());
    runner.run(rows);
    for (std::size_t port = 0; port < graph->outputs.size(); ++port) {
        const auto wanted = floats_of(read_message<onnx::TensorProto>(
            folder / "test_data_set_0" / ("output_" + std::to_string(port) + ".pb")));
        ASSERT_EQ((*exact)[port].size(), wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            EXPECT_NEAR((*exact)[port][i], wanted[i], 1e-5) << port << "[" << i << "]";
            EXPECT_NEAR(runner.output(port)[i], wanted[i], 1e-5) << port << "[" << i << "]";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Nodes, OnnxRecurrence,
                         testing::Values("test_lstm_defaults", "test_lstm_with_initial_bias",
                                         "test_lstm_with_peepholes", "test_lstm_batchwise",
                                         "test_gru_defaults", "test_gru_with_initial_bias",
                                         "test_gru_batchwise"));

TEST(OnnxRecurrence, refuses_a_batch_that_is_not_the_first_dimension) {
    const fs::path folder = "/usr/share/libonnx-testdata/data/node/test_gru_seq_length";
    if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not installed (libonnx-testdata)";
    const std::string bytes = with_constants(folder).SerializeAsString();
    const auto graph = read_onnx(std::as_bytes(std::span(bytes)));
    ASSERT_FALSE(graph.has_value());
    EXPECT_NE(graph.error().find("GRU"), std::string::npos) << graph.error();
    EXPECT_NE(graph.error().find("first dimension"), std::string::npos) << graph.error();
}

// ---- what exporters write around a recurrence of layout 0 ----

struct Exported {
    OnnxContent content;

    explicit Exported(std::int64_t directions, const std::string& direction) {
        Graph& graph = content.graph;
        graph.name = "exported";
        graph.inputs = {{"x", Shape{4, 3}}};
        for (const auto& [name, shape] :
             {std::pair{"W", Shape{directions, 20, 3}}, std::pair{"R", Shape{directions, 20, 5}},
              std::pair{"B", Shape{directions, 40}}}) {
            Tensor weight{shape};
            for (std::size_t i = 0; i < weight.values.size(); ++i) {
                weight.values[i] = random_normal(3, stream_of(name), i);
            }
            graph.weights[name] = std::move(weight);
        }
        graph.nodes = {
            {"t", "Transpose", {"x"}, {"xt"}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}}},
            {"lstm",
             "LSTM",
             {"xt", "W", "R", "B"},
             {"Y", "Y_h", ""},
             {{"hidden_size", std::int64_t{5}}, {"direction", direction}}}};
    }
    void add(const std::string& op, const std::string& in, const std::string& out,
             std::vector<std::int64_t> perm) {
        content.graph.nodes.push_back(
            {out, op, {in}, {out}, {{op == "Transpose" ? "perm" : "axes", std::move(perm)}}});
    }
    [[nodiscard]] std::vector<double> output_of(const std::vector<double>& x) const {
        auto graph = in_normal_form(content);
        EXPECT_TRUE(graph.has_value()) << graph.error();
        const std::vector<std::vector<double>> inputs{x};
        return graph ? (*evaluate_reference(*graph, 2, inputs))[0] : std::vector<double>{};
    }
};

TEST(OnnxRecurrence, puts_sequences_of_exporters_batch_first) {
    const std::vector<double> x = test::random_rows(2 * 4 * 3, 8);
    Exported plain(1, "forward");
    plain.add("Transpose", "Y", "out", {2, 0, 1, 3});
    plain.content.graph.outputs = {"out"};
    Exported squeezed(1, "forward");  // tf2onnx
    squeezed.add("Squeeze", "Y", "s", {1});
    squeezed.add("Transpose", "s", "out", {1, 0, 2});
    squeezed.content.graph.outputs = {"out"};
    EXPECT_EQ(plain.output_of(x), squeezed.output_of(x));
    EXPECT_EQ(plain.output_of(x).size(), 2U * 4 * 5);

    Exported last(1, "forward");
    last.add("Squeeze", "Y_h", "out", {0});
    last.content.graph.outputs = {"out"};
    const std::vector<double> all = plain.output_of(x);
    const std::vector<double> end = last.output_of(x);
    for (std::size_t row = 0; row < 2; ++row) {
        for (std::size_t j = 0; j < 5; ++j) {
            EXPECT_EQ(end[row * 5 + j], all[(row * 4 + 3) * 5 + j]);
        }
    }
}

TEST(OnnxRecurrence, joins_two_directions_as_pytorch_exports_them) {
    const std::vector<double> x = test::random_rows(2 * 4 * 3, 9);
    Exported plain(2, "bidirectional");
    plain.add("Transpose", "Y", "out", {2, 0, 1, 3});
    plain.content.graph.outputs = {"out"};
    Exported joined(2, "bidirectional");
    joined.add("Transpose", "Y", "s", {0, 2, 1, 3});
    joined.content.graph.nodes.push_back({"r", "Reshape", {"s", "shape"}, {"j"}, {}});
    joined.content.integers["shape"] = {0, 0, -1};
    joined.add("Transpose", "j", "out", {1, 0, 2});
    joined.content.graph.outputs = {"out"};
    EXPECT_EQ(plain.output_of(x), joined.output_of(x));
}

TEST(OnnxRecurrence, refuses_to_mix_the_steps_into_the_batch) {
    Exported bare(1, "forward");
    bare.content.graph.outputs = {"Y"};
    const auto as_output = in_normal_form(bare.content);
    ASSERT_FALSE(as_output.has_value());
    EXPECT_NE(as_output.error().find("\"Y\""), std::string::npos) << as_output.error();
    Exported softmax(1, "forward");
    softmax.content.graph.nodes.push_back({"soft", "Softmax", {"Y"}, {"out"}, {}});
    softmax.content.graph.outputs = {"out"};
    const auto refused = in_normal_form(softmax.content);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().find("soft"), std::string::npos) << refused.error();
}

TEST(OnnxRecurrence, refuses_other_activations_clipping_and_lengths) {
    const auto refusal = [](const std::string& attribute, const Attribute& value) {
        Exported exported(1, "forward");
        exported.content.graph.nodes[1].attributes[attribute] = value;
        exported.add("Squeeze", "Y_h", "out", {0});
        exported.content.graph.outputs = {"out"};
        const auto graph = in_normal_form(exported.content);
        return graph.has_value() ? std::string() : graph.error();
    };
    EXPECT_EQ(refusal("activations", std::string("Sigmoid Tanh Tanh")), "");
    EXPECT_NE(refusal("activations", std::string("Relu Tanh Tanh")).find("activations"),
              std::string::npos);
    EXPECT_NE(refusal("clip", 3.F).find("clip"), std::string::npos);
    EXPECT_NE(refusal("hidden_size", std::int64_t{6}).find("W must be"), std::string::npos);
    EXPECT_NE(refusal("direction", std::string("sideways")).find("sideways"), std::string::npos);
    Exported lengths(1, "forward");
    lengths.content.graph.nodes[1].inputs.emplace_back("lengths");
    lengths.add("Squeeze", "Y_h", "out", {0});
    lengths.content.graph.outputs = {"out"};
    lengths.content.integers["lengths"] = {4, 4};
    EXPECT_TRUE(in_normal_form(lengths.content).has_value());
    lengths.content.integers["lengths"] = {4, 3};
    EXPECT_FALSE(in_normal_form(lengths.content).has_value());
}

// ---- kernels ----

TEST(RecurrentKernels, agree_with_plain_loops_for_any_size) {
    for (const std::size_t width : {1U, 7U, 16U, 45U}) {
        for (const std::size_t rows : {1U, 3U, 4U, 9U}) {
            constexpr std::size_t kDepth = 11;
            std::vector<float> x(rows * kDepth);
            std::vector<float> w(kDepth * width);
            std::vector<float> z(rows * width, 0.5F);
            for (std::size_t i = 0; i < x.size(); ++i) x[i] = random_normal(1, 1, i);
            for (std::size_t i = 0; i < w.size(); ++i) w[i] = random_normal(1, 2, i);
            add_products({.x = x.data(),
                          .x_row = kDepth,
                          .w = w.data(),
                          .w_row = width,
                          .z = z.data(),
                          .z_row = width,
                          .rows = rows,
                          .depth = kDepth,
                          .width = width});
            for (std::size_t row = 0; row < rows; ++row) {
                for (std::size_t j = 0; j < width; ++j) {
                    double sum = 0.5;
                    for (std::size_t k = 0; k < kDepth; ++k) {
                        sum += static_cast<double>(x[row * kDepth + k]) * w[k * width + j];
                    }
                    EXPECT_NEAR(z[row * width + j], sum, 1e-5);
                }
            }
        }
    }
}

TEST(RecurrentKernels, activations_keep_nan_and_saturate) {
    std::vector<float> x;
    for (int i = -2000; i <= 2000; ++i) x.push_back(0.06F * static_cast<float>(i));
    x.push_back(std::nanf(""));
    x.push_back(INFINITY);
    x.push_back(-INFINITY);
    std::vector<float> sigmoid = x;
    std::vector<float> tanh = x;
    apply_sigmoid(sigmoid.data(), sigmoid.size());
    apply_tanh(tanh.data(), tanh.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) {
            EXPECT_TRUE(std::isnan(sigmoid[i]) && std::isnan(tanh[i]));
            continue;
        }
        EXPECT_NEAR(sigmoid[i], 1.0 / (1.0 + std::exp(-static_cast<double>(x[i]))), 1e-6) << x[i];
        EXPECT_NEAR(tanh[i], std::tanh(static_cast<double>(x[i])), 1e-6) << x[i];
    }
}

}  // namespace
}  // namespace tamis::engine
