#include "models/vae/vae_manifest.hpp"

#include <utility>

namespace tamis::models::vae {

Manifest make_vae_manifest(std::string name, const VaeParameters& parameters) {
    Manifest manifest;
    manifest.name = std::move(name);
    manifest.version = "1.0";
    manifest.kind = "vae";
    manifest.schema = "hlf21";
    for (std::size_t i = 0; i < kHighLevelFeatureCount; ++i) {
        FeatureSpec& feature = manifest.features.emplace_back();
        feature.name = kFeatureNames[i];
        feature.unit = feature_unit(static_cast<Feature>(i));
    }
    const bool published = parameters.divergence == DivergenceForm::as_published;
    manifest.parameters = {
        {.name = "prior_mean", .values = parameters.prior_mean},
        {.name = "prior_sigma", .values = parameters.prior_sigma},
        {.name = "beta", .values = {parameters.beta}},
        {.name = "divergence_as_published", .values = {published ? 1.0 : 0.0}},
    };
    return manifest;
}

}  // namespace tamis::models::vae
