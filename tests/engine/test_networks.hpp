// Networks the tests of the engine share: small ones per layer, and the shapes the trigger runs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "engine/graph_builder.hpp"

namespace tamis::engine::test {

struct NamedGraph {
    std::string name;
    Graph graph;
};
// For GoogleTest, which else prints the bytes.
void PrintTo(const NamedGraph& entry, std::ostream* out);  // NOLINT: GoogleTest's name

// The shapes of the shipped models: VAE encoder and decoder, ringer, AXOL1TL-like, 100-64-32-1.
[[nodiscard]] std::vector<NamedGraph> dense_networks();
// Convolutional: seed filters with 2, 20 and 24 channels, residual, separable, one-dimensional.
[[nodiscard]] std::vector<NamedGraph> convolution_networks();
// Convolutions that kernels of ours run, with what may stand between and behind them.
[[nodiscard]] std::vector<NamedGraph> own_convolution_networks();
// LSTM and GRU.
[[nodiscard]] std::vector<NamedGraph> recurrent_networks();
// One small network per layer kind that has a derivative.
[[nodiscard]] std::vector<NamedGraph> layer_networks();
// Layers without one: places of the largest, bytes.
[[nodiscard]] std::vector<NamedGraph> layers_without_derivative();
// All of the above.
[[nodiscard]] std::vector<NamedGraph> all_networks();

// A network of one input "x" and one output "y".
template <class Body>
NamedGraph single(const std::string& name, Shape row, const Body& body) {
    GraphBuilder net(name, 11);
    const GraphValue x = net.input("x", std::move(row));
    net.output(body(net, x), "y");
    return {name, net.build()};
}

// Deterministic normal values.
[[nodiscard]] std::vector<double> random_rows(std::size_t count, std::uint64_t seed);

// Running statistics away from 0 and 1, biases away from 0: what a trained network has.
void roughen_weights(Graph& graph, std::uint64_t seed);

}  // namespace tamis::engine::test
