#include "models/seed_filter/seed_filter_network.hpp"

#include "engine/graph_builder.hpp"
#include "models/seed_filter/doublet_features.hpp"

namespace tamis::models {

engine::Graph make_seed_filter_network(const SeedFilterShape& shape, SeedFilterOutput output,
                                       std::uint64_t seed) {
    engine::GraphBuilder net("seed_filter", seed);
    const engine::ConvolutionOptions convolution{
        .kernel = {3, 3}, .strides = {}, .weights = engine::Initialiser::HeNormal};
    const engine::PoolOptions pool{.kernel = {2, 2}, .strides = {}};
    const auto side = static_cast<std::int64_t>(kWindowSide);
    auto image = net.input("windows", {2, side, side});
    const auto features = net.input("features", {static_cast<std::int64_t>(kDoubletFeatures)});
    image = net.max_pool(
        net.relu(net.convolution(image, shape.first_filters, "conv1", convolution)), pool);
    image = net.max_pool(
        net.relu(net.convolution(image, shape.second_filters, "conv2", convolution)), pool);
    auto row = net.concat({net.flatten(image), features});
    row = net.batch_norm(row, "norm");
    row = net.relu(net.dense(row, shape.hidden, "dense1"));
    row = net.dense(row, 1, "dense2");
    if (output == SeedFilterOutput::probability) {
        net.output(net.sigmoid(row), "score");
    } else {
        net.output(row, "logit");
    }
    return net.build();
}

}  // namespace tamis::models
