#include "models/catalogue.hpp"

#include <algorithm>
#include <array>
#include <gsl/assert>

#include "engine/onnx_reader.hpp"
#include "models/fixed_point/fixed_point_model.hpp"
#include "models/mapped_model.hpp"
#include "models/network_model.hpp"
#include "models/novelty/isolation_model.hpp"
#include "models/quantile_map.hpp"
#include "models/ringer/ringer_model.hpp"
#include "models/seed_filter/seed_filter_model.hpp"
#include "models/vae/vae_model.hpp"

namespace tamis::models {
namespace {

constexpr auto kKinds = std::to_array<ModelKind>({
    {"vae", load_vae},
    {"ringer", load_ringer},
    {"seed_filter", load_seed_filter},
    {"onnx", load_network_model},
    {"axol1tl", nullptr, load_axol1tl},
    {"cicada", nullptr, load_cicada},
    {"isolation", nullptr, load_isolation},
});

tl::expected<const ModelKind*, std::string> find_kind(const std::string& name) {
    const auto* const found = std::find_if(
        kKinds.begin(), kKinds.end(), [&](const ModelKind& kind) { return kind.name == name; });
    if (found != kKinds.end()) {
        return found;
    }
    std::string known;
    for (const ModelKind& kind : kKinds) {
        known += (known.empty() ? "" : ", ") + std::string(kind.name);
    }
    return tl::make_unexpected("kind '" + name + "' is not known; right are " + known);
}

using LoadedModel = tl::expected<std::shared_ptr<const Model>, std::string>;

LoadedModel mapped_if_wanted(LoadedModel model) {
    return model && has_quantile_map((*model)->manifest()) ? with_quantile_map(*std::move(model))
                                                           : model;
}

}  // namespace

std::span<const ModelKind> model_kinds() noexcept { return kKinds; }

tl::expected<std::shared_ptr<const Model>, std::string> make_model(
    const Manifest& manifest, std::vector<engine::Graph> networks) {
    const auto kind = find_kind(manifest.kind);
    if (!kind) {
        return tl::make_unexpected(kind.error());
    }
    if ((*kind)->load == nullptr) {
        return tl::make_unexpected("kind '" + manifest.kind +
                                   "' has no ONNX network; right are its own files");
    }
    return mapped_if_wanted((*kind)->load(manifest, std::move(networks)));
}

tl::expected<std::shared_ptr<const Model>, std::string> make_model_of_files(
    const Manifest& manifest, std::span<const std::string> files) {
    Expects(files.size() == manifest.networks.size());
    const auto kind = find_kind(manifest.kind);
    if (!kind) {
        return tl::make_unexpected(kind.error());
    }
    if ((*kind)->load_files != nullptr) {
        return mapped_if_wanted((*kind)->load_files(manifest, files));
    }
    std::vector<engine::Graph> graphs;
    for (std::size_t i = 0; i < files.size(); ++i) {
        auto graph = engine::read_onnx(std::as_bytes(std::span(files[i])));
        if (!graph) {
            return tl::make_unexpected(manifest.networks[i].file + ": " + graph.error());
        }
        graphs.push_back(std::move(*graph));
    }
    return mapped_if_wanted((*kind)->load(manifest, std::move(graphs)));
}

}  // namespace tamis::models
