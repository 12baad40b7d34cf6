// Files no writer of ours makes: forms of other tools and what must be refused. And ONNX's own
// checker on what we write.
#include <gtest/gtest.h>
#include <onnx/checker.h>

#include "engine/onnx_writer.hpp"
#include "tests/engine/onnx_model.hpp"

namespace tamis::engine {
namespace {

using test::expect_refused;
using test::expect_runs;
using test::Model;
using test::set;

TEST(OnnxChecker, accepts_every_model_we_write) {
    for (const auto& [name, graph] : test::all_networks()) {
        onnx::ModelProto model;
        ASSERT_TRUE(model.ParseFromString(*write_onnx(graph)));
        EXPECT_NO_THROW(onnx::checker::check_model(model)) << name;
    }
}

TEST(OnnxReader, takes_every_form_of_gemm) {
    for (const bool transposed : {false, true}) {
        for (const auto& bias :
             std::vector<std::vector<std::int64_t>>{{4}, {1, 4}, {1}, {}, {1, 1}}) {
            Model model(9);
            model.input("x", {3}).output("y");
            model.weight("w", transposed ? std::vector<std::int64_t>{4, 3}
                                         : std::vector<std::int64_t>{3, 4});
            model.weight("b", bias);
            auto& node = model.node("Gemm", {"x", "w", "b"}, "y");
            set(node, "alpha", 0.5F);
            set(node, "beta", -2.F);
            set(node, "transB", std::int64_t{transposed});
            expect_runs(model);
        }
    }
    Model without_bias(11);
    without_bias.input("x", {3}).output("y").weight("w", {3, 4});
    without_bias.node("Gemm", {"x", "w"}, "y");
    expect_runs(without_bias);
}

TEST(OnnxReader, resolves_automatic_padding) {
    for (const std::string how : {"SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"}) {
        Model model(11);
        model.input("x", {2, 7, 8}).output("y").weight("w", {3, 2, 4, 3});
        auto& convolution = model.node("Conv", {"x", "w"}, "c");
        set(convolution, "auto_pad", how);
        set(convolution, "strides", std::vector<std::int64_t>{2, 1});
        auto& pool = model.node("AveragePool", {"c"}, "y");
        set(pool, "kernel_shape", std::vector<std::int64_t>{2, 2});
        set(pool, "auto_pad", how);
        set(pool, "count_include_pad", std::int64_t{how == "SAME_UPPER"});
        expect_runs(model);
    }
}

TEST(OnnxReader, takes_constants_of_nodes_and_broadcasts_with_a_batch_of_one) {
    Model model(13);
    model.input("x", {3, 2, 2}).output("y");
    auto& constant = model.node("Constant", {}, "offset");
    auto& attribute = *constant.add_attribute();
    attribute.set_name("value");
    attribute.set_type(onnx::AttributeProto::TENSOR);
    attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t dimension : {1, 3, 1, 1}) attribute.mutable_t()->add_dims(dimension);
    for (const float value : {1.F, 2.F, 3.F}) attribute.mutable_t()->add_float_data(value);
    model.node("Mul", {"offset", "x"}, "y");
    expect_runs(model);
}

TEST(OnnxReader, takes_reshapes_that_leave_the_batch) {
    for (const auto& target : std::vector<std::vector<std::int64_t>>{
             {0, 12}, {-1, 12}, {0, -1}, {-1, 3, 4}, {0, 0, -1}}) {
        Model model(13);
        model.input("x", {3, 2, 2}).output("y").shape_constant("s", target);
        model.node("Reshape", {"x", "s"}, "y");
        expect_runs(model);
    }
    Model fixed(13, 8);
    fixed.input("x", {3, 4}).output("y").shape_constant("s", {8, -1});
    fixed.node("Reshape", {"x", "s"}, "y");
    expect_runs(fixed);
    Model mixing(13);
    mixing.input("x", {3, 4}).output("y").shape_constant("s", {6, -1});
    mixing.node("Reshape", {"x", "s"}, "y");
    expect_refused(mixing, {"Reshape", "batch"});
}

TEST(OnnxReader, refuses_an_operator_naming_it_and_what_is_supported) {
    Model model(13);
    model.input("x", {3}).output("y");
    model.node("Hardmax", {"x"}, "y");
    expect_refused(model, {"Hardmax_node", "(Hardmax, opset 13)", "Exp, Expand, Flatten"});
}

TEST(OnnxReader, refuses_other_domains_functions_and_opsets) {
    Model domain(13);
    domain.input("x", {3}).output("y");
    domain.node("Relu", {"x"}, "y").set_domain("com.example");
    expect_refused(domain, {"com.example"});
    Model old(5);
    old.input("x", {3}).output("y");
    old.node("Relu", {"x"}, "y");
    expect_refused(old, {"opset 5", "6"});
    Model future(18);
    future.input("x", {3}).output("y");
    future.node("Relu", {"x"}, "y");
    expect_refused(future, {"opset 18", "17"});
}

TEST(OnnxReader, refuses_forms_that_would_mix_the_rows_of_a_batch) {
    Model transposed(13);
    transposed.input("x", {3}).output("y").weight("w", {3, 4});
    set(transposed.node("Gemm", {"x", "w"}, "y"), "transA", std::int64_t{1});
    expect_refused(transposed, {"Gemm", "transA"});
    Model flat(13);
    flat.input("x", {3}).output("y");
    set(flat.node("Flatten", {"x"}, "y"), "axis", std::int64_t{0});
    expect_refused(flat, {"Flatten", "axis 0"});
    Model softmax(13);
    softmax.input("x", {3}).output("y");
    set(softmax.node("Softmax", {"x"}, "y"), "axis", std::int64_t{0});
    expect_refused(softmax, {"Softmax", "batch"});
    Model turned(13);
    turned.input("x", {3}).output("y");
    set(turned.node("Transpose", {"x"}, "y"), "perm", std::vector<std::int64_t>{1, 0});
    expect_refused(turned, {"Transpose", "perm"});
    Model reduced(13);
    reduced.input("x", {3, 4}).output("y");
    reduced.node("ReduceMean", {"x"}, "y");
    expect_refused(reduced, {"ReduceMean", "batch"});
}

TEST(OnnxReader, refuses_external_data) {
    Model model(13);
    model.input("x", {3}).output("y");
    auto& weight = model.weight("w", {3, 4});
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& location = *weight.add_external_data();
    location.set_key("location");
    location.set_value("../../etc/passwd");
    model.node("MatMul", {"x", "w"}, "y");
    expect_refused(model, {"\"w\"", "another file"});
}

TEST(OnnxReader, refuses_tensors_larger_than_the_file_and_overflowing_shapes) {
    for (const auto& dims : std::vector<std::vector<std::int64_t>>{
             {60000, 1000}, {65536, 65536}, {std::int64_t{1} << 62, 4}, {-3, 4}, {0, 4}}) {
        Model model(13);
        model.input("x", {3}).output("y");
        auto& weight = model.weight("w", {1});
        weight.clear_dims();
        for (const auto dimension : dims) weight.add_dims(dimension);
        model.node("MatMul", {"x", "w"}, "y");
        expect_refused(model, {"\"w\""});
    }
}

TEST(OnnxReader, refuses_inputs_whose_rows_are_open_and_other_element_types) {
    Model open(13);
    open.input("x", {3}).output("y");
    open.graph()
        .mutable_input(0)
        ->mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->add_dim()
        ->set_dim_param("width");
    open.node("Relu", {"x"}, "y");
    expect_refused(open, {"\"x\"", "not fixed"});
    Model doubles(13);
    doubles.input("x", {3}).output("y");
    doubles.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::DOUBLE);
    doubles.node("Relu", {"x"}, "y");
    expect_refused(doubles, {"\"x\"", "float32"});
}

TEST(OnnxReader, refuses_cycles_and_names_nothing_defines) {
    Model cycle(13);
    cycle.input("x", {3}).output("y");
    cycle.node("Add", {"x", "b"}, "a");
    cycle.node("Relu", {"a"}, "b");
    cycle.node("Relu", {"b"}, "y");
    expect_refused(cycle, {"cycle"});
    Model missing(13);
    missing.input("x", {3}).output("y");
    missing.node("Add", {"x", "ghost"}, "y");
    expect_refused(missing, {"ghost"});
}

TEST(OnnxReader, sorts_nodes_that_come_in_another_order) {
    Model model(13);
    model.input("x", {3}).output("y");
    model.node("Relu", {"h"}, "y");
    model.node("Tanh", {"x"}, "h");
    expect_runs(model);
}

}  // namespace
}  // namespace tamis::engine
