// One small network per layer kind.
#include <cmath>

#include "tests/engine/test_networks.hpp"

namespace tamis::engine::test {

namespace {

using B = GraphBuilder;
using V = const GraphValue&;
using Integers = std::vector<std::int64_t>;

Tensor ramp(Shape shape, float first, float step) {
    Tensor tensor{std::move(shape)};
    for (float& value : tensor.values) {
        value = first;
        first += step;
    }
    return tensor;
}

// Values above one half.
GraphValue positive(B& net, V x) {
    return net.add_weight(net.multiply(x, x), "half", Tensor{Shape{1}, std::vector<float>{0.5F}});
}

std::vector<NamedGraph> first_layers() {
    const auto add_gate = [](B& net, V x) {
        Tensor offset{Shape{3, 1, 1}, std::vector<float>{0.5F, -1.F, 2.F}};
        Tensor factor{Shape{4}, std::vector<float>{1.F, -2.F, 0.25F, 3.F}};
        return net.multiply_weight(net.add_weight(x, "offset", offset), "factor", factor);
    };
    return {
        single("dense", {7}, [](B& net, V x) { return net.dense(x, 5, "d"); }),
        single("dense_relu", {7}, [](B& net, V x) { return net.relu(net.dense(x, 5, "d")); }),
        single("dense_tanh", {7}, [](B& net, V x) { return net.tanh(net.dense(x, 5, "d")); }),
        single("dense_sigmoid", {7}, [](B& net, V x) { return net.sigmoid(net.dense(x, 5, "d")); }),
        single("leaky_relu", {9}, [](B& net, V x) { return net.leaky_relu(x, 0.2F); }),
        single("softmax", {6}, [](B& net, V x) { return net.softmax(x); }),
        single("softmax_of_images", {3, 4, 5}, [](B& net, V x) { return net.softmax(x); }),
        single("convolution", {3, 6, 5},
               [](B& net, V x) {
                   return net.convolution(x, 4, "c", {.kernel = {3, 3}});
               }),
        single("convolution_even_kernel", {24, 8, 8},
               [](B& net, V x) {
                   return net.convolution(x, 32, "c", {.kernel = {4, 4}});
               }),
        single("convolution_strided_valid", {2, 9, 8},
               [](B& net, V x) {
                   return net.tanh(
                       net.convolution(x, 3, "c",
                                       {.kernel = {3, 2},
                                        .strides = {2, 1},
                                        .padding = ConvolutionOptions::Padding::valid}));
               }),
        single("convolution_depthwise", {8, 6, 6},
               [](B& net, V x) {
                   return net.convolution(x, 8, "c", {.kernel = {3, 3}, .groups = 8});
               }),
        single("convolution_one_dimension", {2, 11},
               [](B& net, V x) { return net.convolution(x, 4, "c", {.kernel = {3}}); }),
        single("max_pool", {3, 6, 6},
               [](B& net, V x) {
                   return net.max_pool(x, {.kernel = {2, 2}});
               }),
        single("max_pool_overlapping", {8, 7, 7},
               [](B& net, V x) {
                   return net.max_pool(x, {.kernel = {3, 3}, .strides = {2, 2}});
               }),
        single("average_pool", {8, 6, 6},
               [](B& net, V x) {
                   return net.average_pool(x, {.kernel = {2, 3}});
               }),
        single("batch_norm_rows", {10}, [](B& net, V x) { return net.batch_norm(x, "bn"); }),
        single("dense_batch_norm_dense", {21},
               [](B& net, V x) {
                   const auto h = net.batch_norm(net.relu(net.dense(x, 50, "d1")), "bn");
                   return net.dense(h, 21, "d2");
               }),
        single("batch_norm_images", {8, 4, 4}, [](B& net, V x) { return net.batch_norm(x, "bn"); }),
        single("relu_batch_norm_padded_convolution", {3, 6, 6},
               [](B& net, V x) {
                   const auto a = net.relu(net.convolution(x, 8, "c1", {.kernel = {3, 3}}));
                   return net.convolution(net.batch_norm(a, "bn"), 4, "c2", {.kernel = {3, 3}});
               }),
        single("concat_of_two_readers", {3, 4},
               [](B& net, V x) {
                   return net.concat({net.tanh(x), x, net.relu(x)});
               }),
        single("concat_of_the_last_axis", {3, 4},
               [](B& net, V x) {
                   const auto two =
                       net.apply("Concat", {x.name, net.tanh(x).name}, {{"axis", std::int64_t{2}}});
                   return net.concat({two, net.relu(two)});
               }),
        single("average_of_lines_and_columns", {2, 17, 19},
               [](B& net, V x) {
                   const auto lines = net.average_pool(x, {.kernel = {1, 19}, .strides = {}});
                   const auto columns = net.average_pool(x, {.kernel = {17, 1}, .strides = {}});
                   return net.concat({net.flatten(lines), net.flatten(columns)});
               }),
        single("products_of_rows_of_one", {1},
               [](B& net, V x) { return net.multiply(net.dense(x, 1, "d"), net.tanh(x)); }),
        single("transpose_reshape", {3, 4, 5},
               [](B& net, V x) {
                   return net.dense(
                       net.flatten(net.reshape(net.transpose(x, {0, 2, 3, 1}), {4, 15})), 2, "d");
               }),
        single("channels_last_convolution", {6, 6, 3},
               [](B& net, V x) {
                   const auto c =
                       net.convolution(net.transpose(x, {0, 3, 1, 2}), 8, "c", {.kernel = {3, 3}});
                   return net.flatten(
                       net.transpose(net.max_pool(c, {.kernel = {2, 2}}), {0, 2, 3, 1}));
               }),
        single("arithmetic_with_weights", {3, 2, 4}, add_gate),
        single("value_times_itself", {5}, [](B& net, V x) { return net.multiply(x, net.tanh(x)); }),
        single("dropout", {6}, [](B& net, V x) { return net.dropout(net.tanh(x), 0.3F); }),
    };
}

std::vector<NamedGraph> function_layers() {
    const auto function = [](const char* op, std::map<std::string, Attribute> attributes = {}) {
        return [op, attributes](B& net, V x) { return net.apply(op, {x.name}, attributes); };
    };
    return {
        single("exp", {5}, function("Exp")),
        single("log", {5}, [](B& net, V x) { return net.apply("Log", {positive(net, x).name}); }),
        single("sqrt", {5}, [](B& net, V x) { return net.apply("Sqrt", {positive(net, x).name}); }),
        single("erf", {3, 4}, function("Erf")),
        single("abs", {5}, function("Abs")),
        single("negate", {5}, function("Neg")),
        single("clip", {20}, function("Clip", {{"min", -0.5F}, {"max", 0.75F}})),
        single("elu", {20}, function("Elu", {{"alpha", 0.7F}})),
        single("selu", {20}, function("Selu", {{"alpha", 1.67F}, {"gamma", 1.05F}})),
        single("hard_sigmoid", {20}, function("HardSigmoid", {{"alpha", 0.4F}, {"beta", 0.5F}})),
        single("softplus", {20}, function("Softplus")),
        single("log_softmax", {6}, function("LogSoftmax", {{"axis", std::int64_t{1}}})),
        single("log_softmax_of_channels", {3, 4},
               function("LogSoftmax", {{"axis", std::int64_t{1}}})),
    };
}

std::vector<NamedGraph> arithmetic_layers() {
    return {
        single("weight_minus_value", {3, 4},
               [](B& net, V x) {
                   return net.apply("Sub", {net.weight("w", ramp({4}, 1.F, 0.5F)), x.name});
               }),
        single("divide", {3, 4},
               [](B& net, V x) {
                   return net.apply("Div", {x.name, positive(net, x).name});
               }),
        single("divide_by_weight", {3, 4},
               [](B& net, V x) {
                   return net.apply("Div", {x.name, net.weight("w", ramp({3, 1}, 1.F, 0.5F))});
               }),
        single("power_of_values", {5},
               [](B& net, V x) {
                   return net.apply("Pow", {positive(net, x).name, x.name});
               }),
        single("power", {5},
               [](B& net, V x) {
                   return net.apply(
                       "Pow", {positive(net, x).name, net.weight("w", ramp({5}, 1.5F, 0.2F))});
               }),
        single(
            "slope_per_channel", {3, 2, 4},
            [](B& net, V x) {
                return net.apply("PRelu", {x.name, net.weight("w", ramp({3, 1, 1}, 0.1F, 0.3F))});
            }),
        single("both_sides_repeated", {3, 4},
               [](B& net, V x) {
                   const auto column =
                       net.apply("ReduceMax", {x.name},
                                 {{"axes", Integers{2}}, {"keepdims", std::int64_t{1}}});
                   const auto line =
                       net.apply("ReduceSum", {x.name},
                                 {{"axes", Integers{1}}, {"keepdims", std::int64_t{1}}});
                   return net.apply("Mul", {column.name, line.name});
               }),
        single("matrices_with_weight", {3, 4},
               [](B& net, V x) {
                   return net.apply("MatMul", {x.name, net.weight("w", ramp({4, 5}, -1.F, 0.1F))});
               }),
        single("weight_with_matrices", {2, 4, 3},
               [](B& net, V x) {
                   return net.apply("MatMul", {net.weight("w", ramp({5, 4}, -1.F, 0.1F)), x.name});
               }),
        single("matrices_of_values", {2, 3, 4},
               [](B& net, V x) {
                   return net.apply("MatMul", {x.name, net.transpose(x, {0, 1, 3, 2}).name});
               }),
    };
}

std::vector<NamedGraph> axis_layers() {
    const auto reduce = [](const char* op, Integers axes, std::int64_t keep) {
        return [op, axes, keep](B& net, V x) {
            return net.apply(op, {x.name}, {{"axes", axes}, {"keepdims", keep}});
        };
    };
    return {
        single("reduce_sum", {3, 4, 5}, reduce("ReduceSum", {1, 3}, 0)),
        single("reduce_mean_of_images", {3, 4, 5}, reduce("ReduceMean", {2, 3}, 1)),
        single("reduce_max", {3, 4, 5}, reduce("ReduceMax", {2}, 0)),
        single("reduce_l2", {3, 4}, reduce("ReduceL2", {1}, 1)),
        single("reduce_sum_of_squares_to_a_number", {3, 4}, reduce("ReduceSumSquare", {1, 2}, 0)),
        single("top_k", {4, 5},
               [](B& net, V x) {
                   return net.apply_to_many("TopK", {x.name},
                                            {{"axis", std::int64_t{1}},
                                             {"k", std::int64_t{2}},
                                             {"largest", std::int64_t{1}}},
                                            2)[0];
               }),
    };
}

std::vector<NamedGraph> movement_layers() {
    const auto move = [](const char* op, std::map<std::string, Attribute> attributes) {
        return [op, attributes](B& net, V x) { return net.apply(op, {x.name}, attributes); };
    };
    const auto pad = [&](const std::string& mode) {
        return move("Pad", {{"pads", Integers{0, 1, 1, 2}}, {"mode", mode}, {"value", 0.5F}});
    };
    return {
        single("slice", {4, 6, 3},
               move("Slice", {{"axes", Integers{1, 2}},
                              {"starts", Integers{1, 5}},
                              {"ends", Integers{3, -7}},
                              {"steps", Integers{1, -2}}})),
        single("gather", {3, 4},
               move("Gather", {{"axis", std::int64_t{2}},
                               {"indices", Integers{3, 0, 3, 1, 1, 2}},
                               {"indices_shape", Integers{2, 3}}})),
        single("pad_with_a_constant", {2, 3}, pad("constant")),
        single("pad_with_the_edge", {2, 3}, pad("edge")),
        single("pad_by_reflection", {2, 3}, pad("reflect")),
        single("expand", {3, 1, 2}, move("Expand", {{"shape", Integers{3, 4, 2}}})),
    };
}

std::vector<NamedGraph> window_layers() {
    const auto window = [](Integers kernel, Integers strides, Integers pads, Integers dilations) {
        return std::map<std::string, Attribute>{{"kernel_shape", std::move(kernel)},
                                                {"strides", std::move(strides)},
                                                {"pads", std::move(pads)},
                                                {"dilations", std::move(dilations)}};
    };
    return {
        single("convolution_three_dimensions", {2, 4, 5, 3},
               [](B& net, V x) {
                   return net.convolution(x, 3, "c", {.kernel = {3, 2, 3}});
               }),
        single("transposed_convolution", {4, 3, 5},
               [=](B& net, V x) {
                   auto attributes = window({3, 2}, {2, 1}, {1, 0, 0, 1}, {1, 2});
                   attributes["group"] = std::int64_t{2};
                   attributes["output_padding"] = Integers{1, 0};
                   return net.apply("ConvTranspose",
                                    {x.name, net.weight("w", ramp({4, 3, 3, 2}, -0.5F, 0.01F)),
                                     net.weight("b", ramp({6}, 0.1F, 0.1F))},
                                    attributes);
               }),
        single(
            "max_pool_dilated", {2, 6, 7},
            [=](B& net, V x) {
                return net.apply("MaxPool", {x.name}, window({2, 3}, {1, 2}, {1, 0, 0, 1}, {2, 2}));
            }),
        single("average_pool_three_dimensions", {2, 4, 4, 6},
               [](B& net, V x) {
                   return net.average_pool(x, {.kernel = {2, 2, 3}});
               }),
    };
}

// A byte tensor with a zero point, from the value.
GraphValue bytes_of(B& net, V x) {
    return net.apply("QuantizeLinear",
                     {x.name, net.weight("x_scale", ramp({}, 0.02F, 0.F)),
                      net.weight("x_zero", ramp({}, 120.F, 0.F), ElementType::uint8)},
                     {{"axis", std::int64_t{1}}});
}

Tensor byte_ramp(Shape shape, float first) {
    Tensor tensor = ramp(std::move(shape), 0.F, 1.F);
    for (float& value : tensor.values) value = first + std::fmod(value * 37.F, 100.F);
    return tensor;
}

}  // namespace

std::vector<NamedGraph> layer_networks() {
    std::vector<NamedGraph> all = first_layers();
    for (const auto& family : {function_layers, arithmetic_layers, axis_layers, movement_layers,
                               window_layers, recurrent_networks}) {
        for (auto& more : family()) all.push_back(std::move(more));
    }
    return all;
}

std::vector<NamedGraph> layers_without_derivative() {
    const auto scale = [](B& net, const char* name, float value) {
        return net.weight(name, Tensor{Shape{}, std::vector<float>{value}});
    };
    const auto zero = [](B& net, const char* name, float value, ElementType type) {
        return net.weight(name, Tensor{Shape{}, std::vector<float>{value}}, type);
    };
    const std::map<std::string, Attribute> window{{"kernel_shape", Integers{3, 2}},
                                                  {"strides", Integers{1, 2}},
                                                  {"pads", Integers{1, 0, 1, 1}},
                                                  {"dilations", Integers{1, 1}},
                                                  {"group", std::int64_t{2}}};
    return {
        single("arg_max", {3, 4},
               [](B& net, V x) {
                   return net.apply("ArgMax", {x.name},
                                    {{"axis", std::int64_t{2}},
                                     {"keepdims", std::int64_t{0}},
                                     {"select_last_index", std::int64_t{1}}});
               }),
        single("top_k_places", {4, 5},
               [](B& net, V x) {
                   return net.apply_to_many("TopK", {net.tanh(x).name},
                                            {{"axis", std::int64_t{2}},
                                             {"k", std::int64_t{3}},
                                             {"largest", std::int64_t{0}}},
                                            2)[1];
               }),
        single("quantise", {3, 4}, [](B& net, V x) { return bytes_of(net, x); }),
        single("quantise_and_back_per_channel", {3, 4},
               [](B& net, V x) {
                   const auto scales = net.weight("scale", ramp({3}, 0.01F, 0.02F));
                   const auto zeros = net.weight("zero", ramp({3}, -5.F, 3.F), ElementType::int8);
                   const std::map<std::string, Attribute> axis{{"axis", std::int64_t{1}}};
                   const auto y = net.apply("QuantizeLinear", {x.name, scales, zeros}, axis);
                   return net.apply("DequantizeLinear", {y.name, scales, zeros}, axis);
               }),
        single(
            "convolution_of_bytes", {4, 5, 6},
            [=](B& net, V x) {
                return net.apply(
                    "Cast",
                    {net.apply("ConvInteger",
                               {bytes_of(net, x).name,
                                net.weight("w", byte_ramp({6, 2, 3, 2}, -50.F), ElementType::int8),
                                zero(net, "xz", 120.F, ElementType::uint8),
                                zero(net, "wz", 3.F, ElementType::int8)},
                               window)
                         .name},
                    {{"to", std::int64_t{1}}});
            }),
        single("quantised_convolution", {4, 5, 6},
               [=](B& net, V x) {
                   return net.apply(
                       "QLinearConv",
                       {bytes_of(net, x).name, scale(net, "xs", 0.02F),
                        zero(net, "xz", 120.F, ElementType::uint8),
                        net.weight("w", byte_ramp({6, 2, 3, 2}, -50.F), ElementType::int8),
                        net.weight("ws", ramp({6}, 0.01F, 0.001F)),
                        net.weight("wz", ramp({6}, -2.F, 1.F), ElementType::int8),
                        scale(net, "ys", 0.1F), zero(net, "yz", 100.F, ElementType::uint8),
                        net.weight("b", ramp({6}, -300.F, 150.F), ElementType::int32)},
                       window);
               }),
        single("quantised_product", {3, 4},
               [=](B& net, V x) {
                   return net.apply(
                       "QLinearMatMul",
                       {bytes_of(net, x).name, scale(net, "xs", 0.02F),
                        zero(net, "xz", 120.F, ElementType::uint8),
                        net.weight("w", byte_ramp({4, 5}, -50.F), ElementType::int8),
                        scale(net, "ws", 0.03F), zero(net, "wz", 1.F, ElementType::int8),
                        scale(net, "ys", 0.05F), zero(net, "yz", -3.F, ElementType::int8)});
               }),
        single("product_of_bytes", {4},
               [=](B& net, V x) {
                   return net.apply(
                       "Cast",
                       {net.apply("MatMulInteger",
                                  {bytes_of(net, x).name,
                                   net.weight("w", byte_ramp({4, 5}, -50.F), ElementType::int8),
                                   zero(net, "xz", 120.F, ElementType::uint8),
                                   zero(net, "wz", 1.F, ElementType::int8)})
                            .name},
                       {{"to", std::int64_t{1}}});
               }),
    };
}

}  // namespace tamis::engine::test
