#include "models/vae/vae_network.hpp"

#include <algorithm>

#include "engine/graph_builder.hpp"
#include "models/vae/likelihoods.hpp"

namespace tamis::models::vae {
namespace {

using engine::GraphBuilder;
using engine::GraphValue;

void add_outputs(GraphBuilder& net, std::initializer_list<GraphValue> values, std::size_t first) {
    for (const GraphValue& value : values) {
        net.output(value, std::string(kOutputPorts[first++]));
    }
}

// Returns the latent mean.
GraphValue add_encoder(GraphBuilder& net, const VaeShape& shape) {
    const GraphValue x = net.input(std::string(kInputPort), {std::int64_t{kHighLevelFeatureCount}});
    const GraphValue h1 = net.relu(net.dense(x, shape.hidden, "Encoder_h1"));
    const GraphValue h2 = net.relu(net.dense(h1, shape.hidden, "Encoder_h2"));
    const GraphValue mean = net.dense(h2, shape.latent, "Latent_mean");
    const GraphValue sigma = net.dense(h2, shape.latent, "Latent_sigma_h");
    add_outputs(net, {mean, sigma}, 0);
    return mean;
}

void add_decoder(GraphBuilder& net, const GraphValue& z, const VaeShape& shape) {
    const engine::DenseOptions head{.kernel = engine::Initialiser::zero};
    const GraphValue h1 = net.relu(net.dense(z, shape.hidden, "Decoder_h1"));
    const GraphValue h2 = net.relu(net.dense(h1, shape.hidden, "Decoder_h2"));
    const GraphValue par1 =
        net.dense(h2, std::int64_t{kHighLevelFeatureCount}, "Output_par1", head);
    const GraphValue par2 = net.dense(h2, std::int64_t{kScaledFeatures}, "par2_h", head);
    const GraphValue par3 = net.dense(h2, std::int64_t{kZeroFeatures}, "par3_h", head);
    add_outputs(net, {par1, par2, par3}, 2);
}

}  // namespace

engine::Graph make_encoder(const VaeShape& shape, std::uint64_t seed) {
    GraphBuilder net("vae_encoder", seed);
    add_encoder(net, shape);
    return net.build();
}

engine::Graph make_decoder(const VaeShape& shape, std::uint64_t seed) {
    GraphBuilder net("vae_decoder", seed);
    const GraphValue z = net.input(std::string(kLatentPort), {shape.latent});
    add_decoder(net, z, shape);
    return net.build();
}

engine::Graph make_scoring_graph(const VaeShape& shape) {
    GraphBuilder net("vae", 0);
    add_decoder(net, add_encoder(net, shape), shape);
    engine::Graph graph = net.build();
    for (auto& [name, tensor] : graph.weights) {
        std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
    }
    return graph;
}

}  // namespace tamis::models::vae
