#include "bench/network_shapes.hpp"

#include <array>
#include <optional>
#include <span>

#include "engine/graph_builder.hpp"
#include "models/ringer/ringer_network.hpp"
#include "models/seed_filter/doublet_features.hpp"

namespace tamis::bench {

namespace {

using daemon::NamedNetwork;
using engine::GraphBuilder;
using engine::GraphValue;

constexpr std::uint64_t kSeed = 17;

// 21-50-50-8 and back to 59; the latent values and the parameters are linear.
NamedNetwork vae_chain() {
    GraphBuilder net("vae_chain", kSeed);
    GraphValue x = net.input("x", {21});
    x = net.relu(net.dense(x, 50, "encoder1"));
    x = net.relu(net.dense(x, 50, "encoder2"));
    x = net.dense(x, 8, "latent");
    x = net.relu(net.dense(x, 50, "decoder1"));
    x = net.relu(net.dense(x, 50, "decoder2"));
    net.output(net.dense(x, 59, "parameters"), "y");
    return {"VAE chain 21-50-50-8-50-50-59", net.build()};
}

NamedNetwork anomaly_encoder() {
    GraphBuilder net("anomaly_encoder", kSeed);
    GraphValue x = net.input("x", {57});
    x = net.relu(net.dense(x, 28, "hidden1"));
    x = net.relu(net.dense(x, 15, "hidden2"));
    net.output(net.dense(x, 8, "latent"), "y");
    return {"AXOL1TL-like 57-28-15-8", net.build()};
}

NamedNetwork tanh_chain(const std::string& name, std::span<const std::size_t> nodes) {
    return {name, models::make_mlp(name, nodes, models::LastLayer::tanh, kSeed)};
}

struct SeedFilterForm {
    std::string name;
    std::int64_t first_filters;
    std::int64_t second_filters;
    int convolutions;  // before each pooling
};

// Two windows of 16 x 16 and 67 features; 128, 64 and 2 units behind the convolutions.
NamedNetwork seed_filter(const SeedFilterForm& form) {
    GraphBuilder net("seed_filter", kSeed);
    const engine::ConvolutionOptions convolution{.kernel = {3, 3}, .strides = {}};
    const engine::PoolOptions pool{.kernel = {2, 2}, .strides = {}};
    GraphValue image = net.input("windows", {2, 16, 16});
    const GraphValue features =
        net.input("features", {static_cast<std::int64_t>(models::kDoubletFeatures)});
    int number = 0;
    for (const std::int64_t filters : {form.first_filters, form.second_filters}) {
        for (int one = 0; one < form.convolutions; ++one) {
            const std::string name = "convolution" + std::to_string(++number);
            image = net.relu(net.convolution(image, filters, name, convolution));
        }
        image = net.max_pool(image, pool);
    }
    GraphValue row = net.concat({net.flatten(image), features});
    row = net.relu(net.dense(row, 128, "dense1"));
    row = net.relu(net.dense(row, 64, "dense2"));
    net.output(net.softmax(net.dense(row, 2, "classes")), "score");
    return {form.name, net.build()};
}

constexpr std::array<std::size_t, 3> kRingerNodes = {100, 5, 1};
constexpr std::array<std::size_t, 4> kDeepRingerNodes = {100, 64, 32, 1};

}  // namespace

std::vector<NamedNetwork> trigger_shapes() {
    return {vae_chain(),
            anomaly_encoder(),
            tanh_chain("ringer 100-5-1 tanh", kRingerNodes),
            tanh_chain("100-64-32-1 tanh", kDeepRingerNodes),
            seed_filter({"seed filter heavy (64,64,pool,128,128,pool)", 64, 128, 2}),
            seed_filter({"seed filter light (16,pool,32,pool)", 16, 32, 1})};
}

std::vector<engine::Graph> ringer_networks(std::size_t count) {
    std::vector<engine::Graph> graphs;
    for (std::size_t bin = 0; bin < count; ++bin) {
        graphs.push_back(
            models::make_mlp("ringer", kRingerNodes, models::LastLayer::tanh, kSeed + bin));
    }
    return graphs;
}

}  // namespace tamis::bench
