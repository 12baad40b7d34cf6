// The printed report of a VAE: areas under the ROC curve and efficiencies beside the published
// ones. Cold path.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/manifest.hpp"

namespace tamis::models::vae {

// Scores of a sample by each measure; the model's score is the nll.
struct ScoredSample {
    std::string name;
    std::vector<float> nll, kl, total, mu2;
};

// Lines of at most 110 characters.
[[nodiscard]] std::vector<std::string> vae_report(const ScoredSample& background,
                                                  std::span<const ScoredSample> signals,
                                                  std::span<const WorkingPoint> points);

}  // namespace tamis::models::vae
