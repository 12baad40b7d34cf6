#include "models/seed_filter/seed_filter_network.hpp"

#include "engine/graph_builder.hpp"
#include "models/seed_filter/doublet_features.hpp"

namespace tamis::models {

namespace {

// Features as small as an angle between hits must not drown in the epsilon.
constexpr float kEpsilon = 1e-6F;
constexpr float kMomentum = 0.97F;

}  // namespace

engine::Graph make_seed_filter_network(const SeedFilterShape& shape, SeedFilterOutput output,
                                       std::uint64_t seed) {
    engine::GraphBuilder net("seed_filter", seed);
    const engine::ConvolutionOptions convolution{
        .kernel = {3, 3}, .strides = {}, .weights = engine::Initialiser::he_normal};
    const engine::PoolOptions pool{.kernel = {2, 2}, .strides = {}};
    const auto side = static_cast<std::int64_t>(kWindowSide);
    auto image = net.input("windows", {2, side, side});
    const auto features = net.input("features", {static_cast<std::int64_t>(kDoubletFeatures)});
    image = net.max_pool(
        net.relu(net.convolution(image, shape.first_filters, "conv1", convolution)), pool);
    image = net.max_pool(
        net.relu(net.convolution(image, shape.second_filters, "conv2", convolution)), pool);
    const auto normalised = net.batch_norm(features, "norm", kEpsilon, kMomentum);
    auto row = net.concat({net.flatten(image), normalised});
    row = net.relu(net.dense(row, shape.first_hidden, "dense1"));
    row = net.relu(net.dense(row, shape.second_hidden, "dense2"));
    row = net.dense(row, 1, "dense3");
    if (output == SeedFilterOutput::probability) {
        net.output(net.sigmoid(row), "score");
    } else {
        net.output(row, "logit");
    }
    return net.build();
}

}  // namespace tamis::models
