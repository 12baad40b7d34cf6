#include "tests/engine/test_networks.hpp"

#include <cmath>
#include <ostream>

#include "engine/random.hpp"

namespace tamis::engine::test {

namespace {

Graph mlp(const std::string& name, const std::vector<std::int64_t>& sizes, const char* hidden) {
    GraphBuilder net(name, 7);
    GraphValue x = net.input("x", {sizes[0]});
    for (std::size_t i = 1; i < sizes.size(); ++i) {
        x = net.dense(x, sizes[i], "dense" + std::to_string(i));
        if (i + 1 < sizes.size()) x = hidden == std::string("tanh") ? net.tanh(x) : net.relu(x);
    }
    net.output(x, "y");
    return net.build();
}

Graph vae_encoder() {
    GraphBuilder net("vae_encoder", 3);
    const GraphValue x = net.input("x", {21});
    const GraphValue h = net.relu(net.dense(net.relu(net.dense(x, 50, "h1")), 50, "h2"));
    net.output(net.dense(h, 4, "mean"), "mu");
    net.output(net.dense(h, 4, "sigma"), "sigma_raw");
    return net.build();
}

Graph vae_decoder() {
    GraphBuilder net("vae_decoder", 4);
    const GraphValue z = net.input("z", {4});
    const GraphValue h = net.relu(net.dense(net.relu(net.dense(z, 50, "h1")), 50, "h2"));
    net.output(net.dense(h, 21, "par1"), "par1");
    net.output(net.dense(h, 17, "par2"), "par2");
    net.output(net.tanh(net.dense(h, 10, "par3")), "par3");
    return net.build();
}

Graph seed_filter(const std::string& name, std::int64_t channels, std::int64_t f1,
                  std::int64_t f2) {
    GraphBuilder net(name, 5);
    const GraphValue hit = net.input("hit", {channels, 16, 16});
    const GraphValue info = net.input("info", {67});
    GraphValue x = net.relu(net.convolution(hit, f1, "conv1", {.kernel = {3, 3}}));
    x = net.max_pool(x, {.kernel = {2, 2}});
    x = net.relu(net.convolution(x, f2, "conv2", {.kernel = {3, 3}}));
    x = net.batch_norm(x, "bn");
    x = net.max_pool(x, {.kernel = {2, 2}});
    x = net.concat({net.flatten(x), info});
    x = net.relu(net.dense(net.batch_norm(x, "bn2"), 64, "dense1"));
    net.output(net.softmax(net.dense(x, 2, "dense2")), "score");
    return net.build();
}

Graph residual() {
    GraphBuilder net("residual", 6);
    const GraphValue x = net.input("x", {4, 6, 5});
    const GraphValue a = net.relu(net.convolution(x, 8, "conv1", {.kernel = {3, 3}}));
    const GraphValue b = net.convolution(a, 8, "conv2", {.kernel = {3, 3}, .groups = 4});
    const GraphValue c = net.leaky_relu(net.add(a, b), 0.1F);
    const GraphValue d = net.average_pool(c, {.kernel = {2, 2}, .strides = {2, 1}});
    net.output(net.sigmoid(net.dense(net.flatten(net.multiply(d, d)), 3, "dense")), "y");
    return net.build();
}

Graph one_dimensional() {
    GraphBuilder net("one_dimensional", 6);
    const GraphValue x = net.input("x", {1, 100});
    GraphValue h = net.relu(net.convolution(
        x, 4, "conv1", {.kernel = {2}, .padding = ConvolutionOptions::Padding::valid}));
    h = net.max_pool(h, {.kernel = {3}});
    h = net.relu(net.convolution(h, 8, "conv2", {.kernel = {2}, .strides = {2}}));
    net.output(net.dense(net.flatten(h), 1, "dense"), "y");
    return net.build();
}

template <class Body>
NamedGraph single(const std::string& name, Shape row, const Body& body) {
    GraphBuilder net(name, 11);
    const GraphValue x = net.input("x", std::move(row));
    net.output(body(net, x), "y");
    return {name, net.build()};
}

// Every optional input of an LSTM.
Graph lstm_with_everything() {
    GraphBuilder net("lstm", 12);
    const auto values = net.lstm(net.input("x", {4, 3}), 5, "l",
                                 {.direction = RecurrentOptions::Direction::bidirectional});
    net.output(values.sequence, "y");
    net.output(values.last, "y_h");
    Graph graph = net.build();
    graph.outputs.push_back("l/last_cell");
    Node& node = graph.nodes[0];
    for (const auto& [name, shape] :
         {std::pair{"l/initial_h", Shape{1, 2, 5}}, std::pair{"l/initial_c", Shape{1, 2, 5}},
          std::pair{"l/peepholes", Shape{2, 15}}}) {
        Tensor weight{shape};
        for (std::size_t i = 0; i < weight.values.size(); ++i) {
            weight.values[i] = random_normal(13, stream_of(name), i);
        }
        graph.weights[name] = std::move(weight);
        node.inputs.emplace_back(name);
    }
    node.attributes["with"] = std::string("BhcP");
    return graph;
}

}  // namespace

void PrintTo(const NamedGraph& entry, std::ostream* out) { *out << entry.name; }

std::vector<NamedGraph> dense_networks() {
    return {{"vae_encoder", vae_encoder()},
            {"vae_decoder", vae_decoder()},
            {"ringer_100_5_1", mlp("ringer", {100, 5, 1}, "tanh")},
            {"ringer_50_5_1", mlp("ringer50", {50, 5, 1}, "relu")},
            {"axol1tl_57_28_15_8", mlp("axol1tl", {57, 28, 15, 8}, "relu")},
            {"mlp_100_64_32_1", mlp("mlp", {100, 64, 32, 1}, "tanh")},
            {"autoencoder_21_50_50_8_50_50_59", mlp("vae", {21, 50, 50, 8, 50, 50, 59}, "relu")}};
}

std::vector<NamedGraph> convolution_networks() {
    return {{"seed_filter_2_channels", seed_filter("seed2", 2, 16, 32)},
            {"seed_filter_20_channels", seed_filter("seed20", 20, 16, 32)},
            {"seed_filter_24_channels", seed_filter("seed24", 24, 32, 64)},
            {"residual_grouped", residual()},
            {"one_dimensional", one_dimensional()}};
}

std::vector<NamedGraph> layer_networks() {
    using B = GraphBuilder;
    using V = const GraphValue&;
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
        single("lstm", {6, 3}, [](B& net, V x) { return net.lstm(x, 5, "l").sequence; }),
        single(
            "lstm_last", {6, 3},
            [](B& net, V x) { return net.dense(net.flatten(net.lstm(x, 17, "l").last), 2, "d"); }),
        single("lstm_reverse", {4, 3},
               [](B& net, V x) {
                   return net.lstm(x, 2, "l", {.direction = RecurrentOptions::Direction::reverse})
                       .sequence;
               }),
        {"lstm_with_everything", lstm_with_everything()},
        single("gru", {6, 3}, [](B& net, V x) { return net.gru(x, 5, "g").sequence; }),
        single("gru_reset_before", {6, 3},
               [](B& net, V x) {
                   return net.gru(x, 19, "g", {.linear_before_reset = false}).sequence;
               }),
        single("gru_bidirectional_of_two_sequences", {2, 4, 3},
               [](B& net, V x) {
                   const RecurrentOptions both{.direction =
                                                   RecurrentOptions::Direction::bidirectional};
                   const auto first = net.gru(x, 5, "g1", both).sequence;
                   return net.gru(net.reshape(first, {2, 4, 10}), 3, "g2", both).last;
               }),
        single("gru_reset_before_bidirectional", {3, 4},
               [](B& net, V x) {
                   return net
                       .gru(x, 5, "g",
                            {.direction = RecurrentOptions::Direction::bidirectional,
                             .linear_before_reset = false})
                       .sequence;
               }),
        single("dropout", {6}, [](B& net, V x) { return net.dropout(net.tanh(x), 0.3F); }),
    };
}

std::vector<double> random_rows(std::size_t count, std::uint64_t seed) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = random_normal(seed, 1, i);
    return values;
}

void roughen_weights(Graph& graph, std::uint64_t seed) {
    std::uint64_t stream = 100;
    for (auto& [name, tensor] : graph.weights) {
        ++stream;
        const bool variance = name.ends_with("moving_variance");
        for (std::size_t i = 0; i < tensor.values.size(); ++i) {
            const float noise = 0.2F * random_normal(seed, stream, i);
            tensor.values[i] = variance ? std::abs(1.F + noise) + 0.1F : tensor.values[i] + noise;
        }
    }
}

}  // namespace tamis::engine::test
