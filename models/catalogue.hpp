// All kinds of model: the only list. Cold path; any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/model.hpp"

namespace tamis::models {

// Makes a model from a manifest and its networks, in the manifest's order. The error says what does
// not fit, and what would.
using ModelLoader = tl::expected<std::shared_ptr<const Model>, std::string> (*)(
    const Manifest& manifest, std::vector<engine::Graph> networks);

// Likewise from the files themselves, for kinds whose networks are no ONNX graphs.
using FileLoader = tl::expected<std::shared_ptr<const Model>, std::string> (*)(
    const Manifest& manifest, std::span<const std::string> files);

// One of both loaders is null.
struct ModelKind {
    std::string_view name;
    ModelLoader load;
    FileLoader load_files = nullptr;
};

[[nodiscard]] std::span<const ModelKind> model_kinds() noexcept;

// By manifest.kind; the error names the kinds there are. Golden vectors are not looked at. From
// graphs only kinds that have them can be made.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> make_model(
    const Manifest& manifest, std::vector<engine::Graph> networks);

// The same from the contents of the manifest's network files, in its order.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> make_model_of_files(
    const Manifest& manifest, std::span<const std::string> files);

}  // namespace tamis::models
