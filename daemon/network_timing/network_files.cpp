#include "daemon/network_timing/network_files.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/onnx_reader.hpp"

namespace tamis::daemon {

namespace {

// Operators and shapes of all inputs and weights, in order.
std::string layers_of(const engine::Graph& graph) {
    std::string text;
    for (const engine::GraphInput& input : graph.inputs) {
        text += input.row_shape.text();
    }
    for (const engine::Node& node : graph.nodes) {
        text += node.op;
        for (const std::string& input : node.inputs) {
            const auto weight = graph.weights.find(input);
            text += weight == graph.weights.end() ? "," : weight->second.shape.text();
        }
    }
    return text;
}

}  // namespace

tl::expected<std::vector<NamedNetwork>, std::string> read_networks(
    const std::filesystem::path& path) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(path)) {
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            if (entry.path().extension() == ".onnx") {
                files.push_back(entry.path());
            }
        }
        std::ranges::sort(files);
        if (files.empty()) {
            return tl::unexpected(path.string() +
                                  ": no .onnx file in it; name a network or a model's directory");
        }
    } else {
        files.push_back(path);
    }
    std::vector<NamedNetwork> networks;
    for (const auto& file : files) {
        auto graph = engine::read_onnx_file(file);
        if (!graph) {
            return tl::unexpected(graph.error());
        }
        networks.push_back({file.stem().string(), std::move(*graph)});
    }
    return networks;
}

std::vector<NamedNetwork> one_of_each_shape(std::vector<NamedNetwork> networks) {
    std::vector<NamedNetwork> kept;
    std::map<std::string, std::pair<std::size_t, std::size_t>> places;  // and how many
    for (NamedNetwork& network : networks) {
        const auto [found, is_new] =
            places.try_emplace(layers_of(network.graph), kept.size(), std::size_t{0});
        ++found->second.second;
        if (is_new) {
            kept.push_back(std::move(network));
        }
    }
    for (const auto& [layers, place] : places) {
        if (place.second > 1) {
            kept[place.first].name += " (" + std::to_string(place.second) + " of this shape)";
        }
    }
    return kept;
}

}  // namespace tamis::daemon
