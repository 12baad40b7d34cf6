#include "models/catalogue.hpp"

#include <array>

#include "models/network_model.hpp"
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
});

}  // namespace

std::span<const ModelKind> model_kinds() noexcept { return kKinds; }

tl::expected<std::shared_ptr<const Model>, std::string> make_model(
    const Manifest& manifest, std::vector<engine::Graph> networks) {
    std::string known;
    for (const ModelKind& kind : kKinds) {
        if (kind.name == manifest.kind) {
            return kind.load(manifest, std::move(networks));
        }
        known += (known.empty() ? "" : ", ") + std::string(kind.name);
    }
    return tl::make_unexpected("kind '" + manifest.kind + "' is not known; right are " + known);
}

}  // namespace tamis::models
