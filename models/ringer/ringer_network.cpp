#include "models/ringer/ringer_network.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

#include "engine/graph_builder.hpp"
#include "models/ringer/ring_sums.hpp"

namespace tamis::models {

namespace {

std::string layer_name(std::size_t layer, std::size_t layers) {
    return layer + 1 == layers ? "discriminant" : "hidden" + std::to_string(layer + 1);
}

}  // namespace

engine::Graph make_mlp(const std::string& name, std::span<const std::size_t> nodes, LastLayer last,
                       std::uint64_t seed) {
    Expects(nodes.size() >= 2);
    engine::GraphBuilder net(name, seed);
    auto value = net.input("rings", {static_cast<std::int64_t>(nodes[0])});
    const std::size_t layers = nodes.size() - 1;
    for (std::size_t layer = 0; layer < layers; ++layer) {
        value = net.dense(value, static_cast<std::int64_t>(nodes[layer + 1]),
                          layer_name(layer, layers));
        if (layer + 1 < layers || last == LastLayer::tanh) {
            value = net.tanh(value);
        }
    }
    net.output(value, "output");
    return net.build();
}

void set_mlp_weights(engine::Graph& graph, std::span<const std::size_t> nodes,
                     std::span<const double> weights, std::span<const double> bias) {
    const std::size_t layers = nodes.size() - 1;
    for (std::size_t layer = 0; layer < layers; ++layer) {
        const std::size_t inputs = nodes[layer];
        const std::size_t outputs = nodes[layer + 1];
        Expects(weights.size() >= inputs * outputs && bias.size() >= outputs);
        const std::string name = layer_name(layer, layers);
        auto& kernel = graph.weights.at(name + "/kernel").values;
        for (std::size_t out = 0; out < outputs; ++out) {
            for (std::size_t in = 0; in < inputs; ++in) {
                kernel[in * outputs + out] = static_cast<float>(weights[out * inputs + in]);
            }
        }
        auto& shift = graph.weights.at(name + "/bias").values;
        std::transform(bias.begin(), bias.begin() + static_cast<std::ptrdiff_t>(outputs),
                       shift.begin(), [](double value) { return static_cast<float>(value); });
        weights = weights.subspan(inputs * outputs);
        bias = bias.subspan(outputs);
    }
    Ensures(weights.empty() && bias.empty());
}

std::vector<FeatureSpec> ringer_features() {
    std::vector<FeatureSpec> features = {{"et", "GeV"}, {"eta", ""}, {"average_mu", "count"}};
    for (std::size_t ring = 0; ring < kRingCount; ++ring) {
        features.push_back({"ring" + std::to_string(ring), "GeV"});
    }
    return features;
}

std::vector<std::vector<float>> make_ringer_rows(std::span<const NetworkFile> bins) {
    constexpr double kWidestEtGev = 30;  // how far into an open bin
    std::vector<std::vector<float>> rows;
    for (const NetworkFile& bin : bins) {
        const double et =
            std::min(0.5 * (bin.et_low_gev + bin.et_high_gev), bin.et_low_gev + 0.5 * kWidestEtGev);
        std::vector<float>& row = rows.emplace_back();
        row.push_back(static_cast<float>(et));
        row.push_back(static_cast<float>(0.5 * (bin.eta_low + bin.eta_high)));
        row.push_back(static_cast<float>(20 + 7 * rows.size() % 30));
        for (const RingSet& set : kRingSets) {
            const double share = set.name.starts_with("EM") ? 0.25 : 0.03;
            for (std::size_t ring = 0; ring < set.count; ++ring) {
                const double fall = std::exp(-0.9 * static_cast<double>(ring));
                row.push_back(static_cast<float>(et * share * fall));
            }
        }
    }
    return rows;
}

}  // namespace tamis::models
