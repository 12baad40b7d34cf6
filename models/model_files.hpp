// A model in memory as it will lie on disk: what trainers and importers make. The manifest's text
// is config's to write. Cold path; any thread.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/manifest.hpp"

namespace tamis::models {

struct ModelFiles {
    Manifest manifest;
    // The contents of manifest.networks, in that order.
    std::vector<std::string> networks;
};

// Appends a network under the file name, with its hash.
void add_network(ModelFiles& files, NetworkFile entry, std::string onnx);
// The same from a graph, which must be one that check_graph accepts.
void add_network(ModelFiles& files, NetworkFile entry, const engine::Graph& graph);

// What an answer may differ by elsewhere, of itself or of 1: another instruction set rounds
// otherwise.
inline constexpr double kGoldenTolerance = 1e-4;

// Scores each row by the model that the files make and puts it and its answer into the manifest as
// a golden vector. `rows`: rows of the table form. Error: the files make no model, or a row cannot
// be scored.
[[nodiscard]] tl::expected<void, std::string> add_golden_vectors(
    ModelFiles& files, std::span<const std::vector<float>> rows, double relative_tolerance);

// Writes the network files into the directory (made if it is not there), each beside its place and
// then renamed. The error says which step failed.
[[nodiscard]] tl::expected<void, std::string> write_networks(
    const ModelFiles& files, const std::filesystem::path& directory);

}  // namespace tamis::models
