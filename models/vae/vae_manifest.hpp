// The parts of a manifest that are the same for every model of kind "vae". Cold path.
#pragma once

#include <string>

#include "models/manifest.hpp"
#include "models/vae/vae_evaluator.hpp"

namespace tamis::models::vae {

inline constexpr std::string_view kNetworkFileName = "vae.onnx";

// Kind, schema, the 21 features and the parameters; no network, no working point, no golden vector.
[[nodiscard]] Manifest make_vae_manifest(std::string name, const VaeParameters& parameters);

}  // namespace tamis::models::vae
