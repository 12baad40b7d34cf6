// The networks of a ringer as graphs: 100 (or 50) rings -> hidden units -> 1. Cold path; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "models/manifest.hpp"

namespace tamis::models {

// Fully connected layers of nodes[0] inputs and nodes[1], ... outputs, a tanh after each but the
// last, and after that one too if asked. First values of weights are a function of the seed.
enum class LastLayer : std::uint8_t { linear, tanh };
[[nodiscard]] engine::Graph make_mlp(const std::string& name, std::span<const std::size_t> nodes,
                                     LastLayer last, std::uint64_t seed);

// Sets the weights of such a graph: `weights` layer by layer, [output][input]; `bias` layer by
// layer. Their lengths must fit the nodes.
void set_mlp_weights(engine::Graph& graph, std::span<const std::size_t> nodes,
                     std::span<const double> weights, std::span<const double> bias);

// The inputs of the table form: ET, eta, pile-up and 100 rings, as a manifest lists them.
[[nodiscard]] std::vector<FeatureSpec> ringer_features();

// Rows of the table form (ET, eta, pile-up, 100 rings), one for each network's bin, with rings that
// fall off from set centre outwards: what golden vectors are made of.
[[nodiscard]] std::vector<std::vector<float>> make_ringer_rows(std::span<const NetworkFile> bins);

}  // namespace tamis::models
