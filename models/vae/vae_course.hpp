// The epochs of a VAE's training: order of rows, plateau, early stop, the best weights, and the
// checkpoint that holds all of it. One thread.
#pragma once

#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/vae/vae_recipe.hpp"

namespace tamis::models::vae {

struct TrainingOutcome {
    VaeWeights weights;  // of the best epoch
    VaeEpoch best;
    std::vector<VaeEpoch> epochs;  // also those before a checkpoint
};

// `table`: the 21 features, finite. Error: as train_vae.
[[nodiscard]] tl::expected<TrainingOutcome, std::string> run_training(
    const VaeRecipe& recipe, const FeatureTable& table,
    const std::function<void(const VaeEpoch&)>& on_epoch);

}  // namespace tamis::models::vae
