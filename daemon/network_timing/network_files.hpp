// The networks of a file or of a model's directory, to be measured. Cold path.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::daemon {

struct NamedNetwork {
    std::string name;
    engine::Graph graph;
};

// An .onnx file, or all those of a directory in the order of their names. Error: no such file, none
// in the directory, or one that the engine does not read.
[[nodiscard]] tl::expected<std::vector<NamedNetwork>, std::string> read_networks(
    const std::filesystem::path& path);

// One network for each kind of layers and sizes: weights change no time. Its name tells how many
// it stands for.
[[nodiscard]] std::vector<NamedNetwork> one_of_each_shape(std::vector<NamedNetwork> networks);

}  // namespace tamis::daemon
