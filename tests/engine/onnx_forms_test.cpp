// Forms of operators that other tools write and the reader brings into normal forms: constant
// subgraphs, whole tensors, old opsets, bytes. What they compute is checked by hand here, against
// other runtimes' records in onnx_conformance_test.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/onnx_writer.hpp"
#include "tests/engine/onnx_model.hpp"

namespace tamis::engine {
namespace {

using test::expect_refused;
using test::Model;
using test::set;

using Integers = std::vector<std::int64_t>;

// One row through reader, compiler and runner.
std::vector<float> scores(const Model& model, const std::vector<float>& row) {
    const auto graph = model.read();
    EXPECT_TRUE(graph.has_value()) << (graph ? "" : graph.error());
    if (!graph) return {};
    const auto network = Network::compile(*graph, {.max_batch = 2});
    EXPECT_TRUE(network.has_value()) << (network ? "" : network.error());
    if (!network) return {};
    NetworkRunner runner(*network);
    std::ranges::copy(row, runner.input(0).begin());
    EXPECT_EQ(runner.run(1), RunStatus::ok);
    const std::size_t size = (*network)->outputs()[0].row_size;
    const auto output = runner.output(0).first(size);
    return {output.begin(), output.end()};
}

TEST(OnnxForms, carries_the_size_of_the_batch_from_a_shape_to_a_reshape) {
    Model model(13);
    model.input("x", {2, 3}).output("y").shape_constant("first", {0}).shape_constant("rest", {-1});
    model.node("Shape", {"x"}, "shape");
    model.node("Gather", {"shape", "first"}, "batch");
    set(model.node("Concat", {"batch", "rest"}, "target"), "axis", std::int64_t{0});
    model.node("Reshape", {"x", "target"}, "y");
    EXPECT_EQ(scores(model, {1, 2, 3, 4, 5, 6}), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(check_graph(*model.read())->at("y"), (Shape{6}));
}

TEST(OnnxForms, refuses_arithmetic_on_the_size_of_the_batch) {
    Model model(13);
    model.input("x", {2, 3}).output("y").shape_constant("two", {2});
    model.node("Shape", {"x"}, "shape");
    model.node("Mul", {"shape", "two"}, "target");
    model.node("Reshape", {"x", "target"}, "y");
    expect_refused(model, {"Mul_node", "size of the batch"});
}

TEST(OnnxForms, refuses_constants_that_would_be_made_too_large) {
    for (const std::string op : {"ConstantOfShape", "Expand"}) {
        Model model(13);
        model.input("x", {3}).output("y").weight("w", {1});
        model.shape_constant("huge", {60000, 60000, 60000});
        model.node(op,
                   op == "Expand" ? std::vector<std::string>{"w", "huge"}
                                  : std::vector<std::string>{"huge"},
                   "c");
        model.node("Add", {"x", "c"}, "y");
        expect_refused(model, {op + "_node", "too large"});
    }
}

TEST(OnnxForms, refuses_an_empty_constant_with_a_huge_dimension) {
    Model model(13);
    model.input("x", {3}).output("y").shape_constant("empty", {0, std::int64_t{1} << 58});
    model.node("ConstantOfShape", {"empty"}, "c");
    model.node("Expand", {"c", "empty"}, "d");
    model.node("Add", {"x", "d"}, "y");
    expect_refused(model, {"ConstantOfShape_node", "too large"});
}

TEST(OnnxForms, refuses_many_constants_that_are_too_large_together) {
    Model model(13);
    model.input("x", {3}).output("y").shape_constant("large", {1024, 4096});
    for (const std::string name : {"a", "b", "c", "d", "e"}) {
        model.node("ConstantOfShape", {"large"}, name);
    }
    model.node("Relu", {"x"}, "y");
    expect_refused(model, {"ConstantOfShape", "too large"});
}

TEST(OnnxForms, folds_weights_that_are_stored_as_bytes) {
    Model model(13);
    model.input("x", {2}).output("y").weight("scale", {});
    auto& bytes = model.weight("w", {2, 2});
    bytes.set_data_type(onnx::TensorProto::INT8);
    bytes.clear_float_data();
    for (const int value : {-3, 2, 7, -128}) bytes.add_int32_data(value);
    model.node("DequantizeLinear", {"w", "scale"}, "real");
    model.node("MatMul", {"x", "real"}, "y");
    // The scale is -0.5.
    EXPECT_EQ(scores(model, {1, 2}), (std::vector<float>{-5.5F, 127.F}));
    EXPECT_EQ(model.read()->nodes.size(), 1U);
}

TEST(OnnxForms, reads_a_static_file_that_mixes_rows_as_one_row) {
    Model model(13, 2);
    model.input("x", {3}).output("y");
    model.node("Transpose", {"x"}, "y");
    EXPECT_EQ(scores(model, {1, 2, 3, 4, 5, 6}), (std::vector<float>{1, 4, 2, 5, 3, 6}));
    EXPECT_EQ(model.read()->inputs[0].row_shape, (Shape{2, 3}));
    Model dynamic(13);
    dynamic.input("x", {3}).output("y");
    dynamic.node("Transpose", {"x"}, "y");
    expect_refused(dynamic, {"Transpose", "batch"});
}

TEST(OnnxForms, multiplies_whole_matrices_with_every_factor_of_gemm) {
    Model model(13, 2);
    model.input("x", {2}).output("y").weight("w", {2, 2});
    model.weight("c", {2});
    auto& gemm = model.node("Gemm", {"x", "w", "c"}, "y");
    set(gemm, "transA", std::int64_t{1});
    set(gemm, "transB", std::int64_t{1});
    set(gemm, "alpha", 2.F);
    set(gemm, "beta", 4.F);
    // x^T = [1 3; 2 4], w^T = [-0.5 0; -0.25 0.25], c = [-0.5 -0.25]
    EXPECT_EQ(scores(model, {1, 2, 3, 4}), (std::vector<float>{-4.5F, 0.5F, -6.F, 1.F}));
}

TEST(OnnxForms, multiplies_from_the_left_without_taking_the_batch_for_rows) {
    Model model(13, 2);
    model.input("x", {2}).output("y").weight("w", {2, 2});
    model.node("MatMul", {"w", "x"}, "y");
    // w = [-0.5 -0.25; 0 0.25]
    EXPECT_EQ(scores(model, {1, 2, 3, 4}), (std::vector<float>{-1.25F, -2.F, 0.75F, 1.F}));
    Model dynamic(13);
    dynamic.input("x", {2}).output("y").weight("w", {2, 2});
    dynamic.node("MatMul", {"w", "x"}, "y");
    expect_refused(dynamic, {"MatMul", "batch"});
}

TEST(OnnxForms, takes_all_dimensions_from_the_axis_on_together_in_an_old_softmax) {
    Model model(11);
    model.input("x", {2, 2}).output("y");
    model.node("Softmax", {"x"}, "y");
    const auto y = scores(model, {0.F, std::log(2.F), std::log(3.F), std::log(4.F)});
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(y[i], 0.1F * static_cast<float>(i + 1), 1e-6) << i;
    }
}

TEST(OnnxForms, starts_old_broadcasts_at_their_axis) {
    Model model(6);
    model.input("x", {2, 2}).output("y").weight("w", {2});
    auto& add = model.node("Add", {"x", "w"}, "y");
    set(add, "broadcast", std::int64_t{1});
    set(add, "axis", std::int64_t{1});
    EXPECT_EQ(scores(model, {1, 2, 3, 4}), (std::vector<float>{0.5F, 1.5F, 2.75F, 3.75F}));
}

TEST(OnnxForms, splits_into_slices_and_leaves_the_batch_alone) {
    Model model(13);
    model.input("x", {5}).output("y").output("z").shape_constant("lengths", {2, 3});
    auto& split = model.node("Split", {"x", "lengths"}, "y");
    split.add_output("z");
    set(split, "axis", std::int64_t{1});
    EXPECT_EQ(scores(model, {1, 2, 3, 4, 5}), (std::vector<float>{1, 2}));
    Model batch(13);
    batch.input("x", {5}).output("y").output("z");
    batch.node("Split", {"x"}, "y").add_output("z");
    expect_refused(batch, {"Split", "batch"});
}

TEST(OnnxForms, rounds_halves_to_even_and_saturates_bytes) {
    Model model(13);
    model.input("x", {6}).output("y");
    auto& scale = model.weight("scale", {});
    scale.set_float_data(0, 1.F);
    model.node("QuantizeLinear", {"x", "scale"}, "y");
    EXPECT_EQ(scores(model, {0.5F, 1.5F, 2.5F, -1.F, 300.F, 254.5F}),
              (std::vector<float>{0, 2, 2, 0, 255, 254}));
}

TEST(OnnxForms, refuses_to_compile_lists_that_would_be_too_large) {
    Model model(13);
    model.input("x", {1, 65536}).output("y").weight("w", {1, 1, 1024});
    set(model.node("ConvTranspose", {"x", "w"}, "y"), "pads", Integers{1000, 23});
    const auto network = Network::compile(*model.read());
    ASSERT_FALSE(network.has_value());
    EXPECT_NE(network.error().find("too many"), std::string::npos) << network.error();
}

TEST(OnnxForms, refuses_inputs_of_integers_a_float_cannot_hold) {
    Model model(13);
    model.input("x", {3}).output("y");
    model.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::INT64);
    model.node("Identity", {"x"}, "y");
    expect_refused(model, {"\"x\"", "uint8"});
}

TEST(OnnxForms, refuses_arithmetic_on_values_of_bytes) {
    Model model(13);
    model.input("x", {3}).output("y");
    model.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::UINT8);
    model.node("Add", {"x", "x"}, "y");
    expect_refused(model, {"Add_node", "uint8", "float32"});
}

// A scalar has no columns: to ask for them ended the process.
TEST(OnnxForms, refuses_a_product_of_bytes_whose_matrix_is_none) {
    for (const Integers& dimensions : {Integers{}, Integers{4}, Integers{4, 5, 1}}) {
        Model model(13);
        model.input("x", {4}).output("y");
        model.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
            onnx::TensorProto::UINT8);
        const auto bytes = [&](const std::string& name, const Integers& shape, auto type) {
            onnx::TensorProto& tensor = model.weight(name, shape);
            tensor.set_data_type(type);
            for (const float value : tensor.float_data()) {
                tensor.add_int32_data(static_cast<std::int32_t>(8.F * value) + 4);
            }
            tensor.clear_float_data();
        };
        bytes("w", dimensions, onnx::TensorProto::INT8);
        bytes("x_zero", {}, onnx::TensorProto::UINT8);
        bytes("w_zero", {}, onnx::TensorProto::INT8);
        model.node("MatMulInteger", {"x", "w", "x_zero", "w_zero"}, "sums");
        set(model.node("Cast", {"sums"}, "y"), "to", std::int64_t{onnx::TensorProto::FLOAT});
        expect_refused(model, {"MatMulInteger_node", "does not fit the matrix"});
    }
}

// The seeds of the fuzz target are files, too: none of them may stop being read.
TEST(OnnxForms, seeds_of_the_fuzz_target_are_read_and_written_back) {
    const auto corpus =
        std::filesystem::path(TAMIS_SOURCE_DIR) / "tests/fuzz/corpus/onnx_reader_fuzz";
    std::size_t read = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
        if (entry.path().extension() != ".onnx") continue;
        SCOPED_TRACE(entry.path().filename());
        const auto graph = read_onnx_file(entry.path());
        ASSERT_TRUE(graph.has_value()) << graph.error();
        EXPECT_TRUE(Network::compile(*graph, {.max_batch = 2}).has_value());
        const auto bytes = write_onnx(*graph);
        ASSERT_TRUE(bytes.has_value()) << bytes.error();
        EXPECT_EQ(*read_onnx(std::as_bytes(std::span(*bytes))), *graph);
        ++read;
    }
    EXPECT_GT(read, 60U);
}

}  // namespace
}  // namespace tamis::engine
