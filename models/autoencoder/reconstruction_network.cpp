#include "models/autoencoder/reconstruction_network.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/graph_builder.hpp"

namespace tamis::models {
namespace {

using engine::GraphBuilder;
using engine::GraphValue;

constexpr std::size_t kFewestHidden = 32, kMostHidden = 128;
constexpr std::size_t kFewestLatent = 2, kMostLatent = 64;

std::int64_t units(std::size_t count) { return static_cast<std::int64_t>(count); }

GraphValue add_encoder(GraphBuilder& net, const GraphValue& x, const ReconstructionShape& shape) {
    const GraphValue first = net.relu(net.dense(x, units(shape.hidden), "encoder_1"));
    return net.relu(net.dense(first, units(shape.hidden), "encoder_2"));
}

GraphValue add_latent(GraphBuilder& net, const GraphValue& encoded,
                      const ReconstructionShape& shape) {
    return net.dense(encoded, units(shape.latent), "latent_mean");
}

GraphValue add_decoder(GraphBuilder& net, const GraphValue& z, const ReconstructionShape& shape) {
    const GraphValue first = net.relu(net.dense(z, units(shape.hidden), "decoder_1"));
    const GraphValue second = net.relu(net.dense(first, units(shape.hidden), "decoder_2"));
    return net.dense(second, units(shape.columns), "reconstruction");
}

}  // namespace

ReconstructionShape shape_for(std::size_t columns) {
    const auto root = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(columns))));
    return {.columns = columns,
            .hidden = std::clamp(2 * columns, kFewestHidden, kMostHidden),
            .latent = std::clamp(root, kFewestLatent, kMostLatent)};
}

std::size_t noise_size(ReconstructionKind kind, const ReconstructionShape& shape) {
    return kind == ReconstructionKind::denoising ? shape.columns : shape.latent;
}

engine::Graph make_learning_network(ReconstructionKind kind, const ReconstructionShape& shape,
                                    std::uint64_t seed) {
    GraphBuilder net("reconstruction", seed);
    const GraphValue x = net.input("x", {units(shape.columns)});
    const GraphValue noise = net.input("noise", {units(noise_size(kind, shape))});
    if (kind == ReconstructionKind::denoising) {
        const GraphValue z = add_latent(net, add_encoder(net, net.add(x, noise), shape), shape);
        net.output(add_decoder(net, z, shape), "reconstruction");
        return net.build();
    }
    const GraphValue encoded = add_encoder(net, x, shape);
    const GraphValue mean = add_latent(net, encoded, shape);
    // Never wider than the prior, whose width is 1: there is nothing to learn beyond it.
    const GraphValue width = net.sigmoid(net.dense(encoded, units(shape.latent), "latent_width"));
    const GraphValue z = net.add(mean, net.multiply(width, noise));
    net.output(net.concat({add_decoder(net, z, shape), mean, width}), "learnt");
    return net.build();
}

engine::Graph make_scoring_network(ReconstructionKind kind, const ReconstructionShape& shape) {
    GraphBuilder net(kind == ReconstructionKind::denoising ? "autoencoder" : "gaussian_vae", 0);
    const GraphValue x = net.input("x", {units(shape.columns)});
    const GraphValue z = add_latent(net, add_encoder(net, x, shape), shape);
    net.output(add_decoder(net, z, shape), "reconstruction");
    return net.build();
}

}  // namespace tamis::models
