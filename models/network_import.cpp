#include "models/network_import.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "engine/onnx_reader.hpp"
#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

// Zeros, and values between -1 and 1 that differ from place to place.
std::vector<std::vector<float>> golden_rows(std::size_t row_size) {
    std::vector<std::vector<float>> rows(2, std::vector<float>(row_size));
    for (std::size_t i = 0; i < row_size; ++i) {
        rows[1][i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i) + 0.3));
    }
    return rows;
}

// The parameter score.<reduction> of the manifest; none where the first element of the first output
// is wanted anyway.
tl::expected<void, std::string> choose_score(const std::string& onnx, const NetworkImport& wanted,
                                             Manifest& manifest) {
    if (wanted.output.empty() && wanted.reduction.empty() && wanted.element == 0) {
        return {};
    }
    const auto graph = engine::read_onnx(std::as_bytes(std::span(onnx)));
    if (!graph) {
        return tl::make_unexpected(graph.error());
    }
    const auto& outputs = graph->outputs;
    const auto found = wanted.output.empty()
                           ? outputs.begin()
                           : std::find(outputs.begin(), outputs.end(), wanted.output);
    if (found == outputs.end()) {
        std::string known;
        for (const std::string& output : outputs) {
            known += (known.empty() ? "" : ", ") + output;
        }
        return tl::make_unexpected("the network has no output '" + wanted.output + "'; right are " +
                                   known);
    }
    const bool is_element = wanted.reduction.empty() || wanted.reduction == "element";
    Parameter& parameter = manifest.parameters.emplace_back();
    parameter.name = "score." + (is_element ? "element" : wanted.reduction);
    parameter.values = {static_cast<double>(found - outputs.begin())};
    if (is_element) {
        parameter.values.push_back(static_cast<double>(wanted.element));
    }
    return {};
}

}  // namespace

tl::expected<ModelFiles, std::string> import_onnx(const std::filesystem::path& file,
                                                  const NetworkImport& wanted) {
    NetworkFile entry;
    entry.file = file.filename().string();
    auto bytes = read_network_file(entry, file.parent_path());
    if (!bytes) {
        return tl::make_unexpected(bytes.error());
    }
    ModelFiles files;
    files.manifest.name = wanted.name.empty() ? file.stem().string() : wanted.name;
    files.manifest.version = "1.0";
    files.manifest.kind = "onnx";
    files.manifest.schema = wanted.schema.empty() ? files.manifest.name : wanted.schema;
    for (const std::string& name : wanted.features) {
        files.manifest.features.emplace_back().name = name;
    }
    if (auto chosen = choose_score(*bytes, wanted, files.manifest); !chosen) {
        return tl::make_unexpected(chosen.error());
    }
    files.manifest.provenance.data = "network of " + entry.file;
    add_network(files, std::move(entry), std::move(*bytes));
    const auto model = load_model(files.manifest, files.networks);
    if (!model) {
        return tl::make_unexpected(model.error());
    }
    const auto rows = golden_rows((*model)->input_columns().size());
    if (auto golden = add_golden_vectors(files, rows, kGoldenTolerance); !golden) {
        return tl::make_unexpected(golden.error());
    }
    return files;
}

}  // namespace tamis::models
