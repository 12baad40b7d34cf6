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

struct ModelKind {
    std::string_view name;
    ModelLoader load;
};

[[nodiscard]] std::span<const ModelKind> model_kinds() noexcept;

// By manifest.kind; the error names the kinds there are. Golden vectors are not looked at.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> make_model(
    const Manifest& manifest, std::vector<engine::Graph> networks);

}  // namespace tamis::models
