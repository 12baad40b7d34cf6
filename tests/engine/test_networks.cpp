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

// Parts joined and used again, several inputs and outputs, more units than a panel has.
Graph joined_parts() {
    GraphBuilder net("joined_parts", 9);
    const GraphValue x = net.input("x", {13});
    const GraphValue y = net.input("y", {3});
    const GraphValue wide = net.leaky_relu(net.dense(net.concat({y, x}), 150, "wide"), 0.1F);
    const GraphValue few = net.sigmoid(net.dense(wide, 5, "few"));
    const GraphValue all = net.concat({few, x, net.tanh(y)});
    net.output(net.softmax(net.dense(all, 6, "classes")), "classes");
    net.output(few, "few");
    net.output(all, "all");
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

}  // namespace

void PrintTo(const NamedGraph& entry, std::ostream* out) { *out << entry.name; }

std::vector<NamedGraph> dense_networks() {
    return {{"vae_encoder", vae_encoder()},
            {"vae_decoder", vae_decoder()},
            {"ringer_100_5_1", mlp("ringer", {100, 5, 1}, "tanh")},
            {"ringer_50_5_1", mlp("ringer50", {50, 5, 1}, "relu")},
            {"axol1tl_57_28_15_8", mlp("axol1tl", {57, 28, 15, 8}, "relu")},
            {"joined_parts", joined_parts()},
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

std::vector<NamedGraph> own_convolution_networks() {
    using B = GraphBuilder;
    using V = const GraphValue&;
    const ConvolutionOptions three{.kernel = {3, 3}};
    const PoolOptions two{.kernel = {2, 2}};
    return {
        single("seed_filter", {2, 16, 16},
               [&](B& net, V x) {
                   auto h = net.relu(net.convolution(x, 32, "conv1", three));
                   h = net.max_pool(net.relu(net.convolution(h, 32, "conv2", three)), two);
                   h = net.relu(net.convolution(h, 48, "conv3", three));
                   h = net.max_pool(net.relu(net.convolution(h, 48, "conv4", three)), two);
                   return net.dense(net.flatten(h), 3, "dense");
               }),
        // As the published one: channels last, even kernels, normalisation between ReLU and pool.
        single("layer_map", {16, 16, 24},
               [&](B& net, V x) {
                   auto h = net.transpose(x, {0, 3, 1, 2});
                   h = net.relu(net.convolution(h, 32, "conv1", {.kernel = {4, 4}}));
                   h = net.relu(net.convolution(h, 32, "conv2", three));
                   h = net.max_pool(net.batch_norm(h, "bn1"), two);
                   h = net.batch_norm(net.relu(net.convolution(h, 40, "conv3", three)), "bn2");
                   h = net.relu(net.convolution(h, 40, "conv4", three));
                   return net.flatten(net.transpose(net.max_pool(h, two), {0, 2, 3, 1}));
               }),
        single("odd_sizes", {19, 13, 7},
               [&](B& net, V x) {
                   auto h = net.leaky_relu(net.convolution(x, 37, "conv1", three), 0.2F);
                   h = net.average_pool(net.convolution(h, 33, "conv2", three), two);
                   h = net.convolution(
                       h, 34, "conv3",
                       {.kernel = {3, 3}, .padding = ConvolutionOptions::Padding::valid});
                   return net.flatten(h);
               }),
        // Poolings of their own, a value two layers read, an output in the middle of nothing.
        single("branches", {32, 12, 12},
               [&](B& net, V x) {
                   const auto a = net.relu(net.convolution(x, 32, "conv1", {.kernel = {5, 5}}));
                   const auto b = net.max_pool(a, {.kernel = {3, 3}, .strides = {2, 2}});
                   const auto c = net.average_pool(a, {.kernel = {3, 3}, .strides = {2, 2}});
                   const auto d = net.tanh(net.convolution(b, 32, "conv2", three));
                   return net.convolution(net.add(d, c), 32, "conv3", three);
               }),
    };
}

std::vector<NamedGraph> all_networks() {
    std::vector<NamedGraph> all = dense_networks();
    for (auto& more : convolution_networks()) all.push_back(std::move(more));
    for (auto& more : own_convolution_networks()) all.push_back(std::move(more));
    for (auto& more : layer_networks()) all.push_back(std::move(more));
    for (auto& more : layers_without_derivative()) all.push_back(std::move(more));
    return all;
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
        if (graph.integer_types.contains(name)) continue;
        const bool variance = name.ends_with("moving_variance");
        for (std::size_t i = 0; i < tensor.values.size(); ++i) {
            const float noise = 0.2F * random_normal(seed, stream, i);
            tensor.values[i] = variance ? std::abs(1.F + noise) + 0.1F : tensor.values[i] + noise;
        }
    }
}

}  // namespace tamis::engine::test
