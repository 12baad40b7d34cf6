// The training recipe of the VAE: a table of background events in, a model's files out, with
// calibrated working points, golden vectors and a printed report. The same recipe, samples and seed
// give the same bytes on one machine. One thread; minutes.
//
// After arXiv:1811.10276 (Adam, beta 0.3, learning rate cut on a plateau, early stop), with scaled
// inputs and outputs in training (feature_scaling.hpp), which needs a tenth of the published
// epochs, and the correct divergence unless the published one is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/calibration.hpp"
#include "models/model_files.hpp"
#include "models/vae/vae_samples.hpp"
#include "models/vae/vae_training.hpp"

namespace tamis::models {

struct VaeRecipe {
    std::string name = "vae";
    vae::VaeTrainingOptions training;
    std::size_t max_epochs = 30;
    double decorrelation = 0;          // weight of DisCo's penalty; needs samples with a nuisance
    double validation_fraction = 0.1;  // the last rows of the training table
    // The learning rate is multiplied by plateau_factor when plateau_epochs have passed without the
    // validation loss falling by plateau_delta.
    float plateau_factor = 0.1F;
    std::size_t plateau_epochs = 3;
    double plateau_delta = 0.01;
    // Training ends when stop_epochs have passed without a fall by stop_delta. The weights of the
    // best epoch are kept.
    std::size_t stop_epochs = 7;
    double stop_delta = 0.005;
    // Written after each epoch; where it exists, training goes on from it with the same outcome.
    std::filesystem::path checkpoint = {};
    // The published point is a fraction of 5.38e-6: 1000 events a month.
    std::vector<WantedPoint> working_points = {{"very_loose", 3e-2}, {"loose", 1e-2},
                                               {"medium", 1e-3},     {"tight", 1e-4},
                                               {"very_tight", 1e-5}, {"published_rate", 5.38e-6}};
};

struct VaeEpoch {
    std::size_t number = 0;  // from 1
    double training_loss = 0;
    double validation_loss = 0;
    double learning_rate = 0;
    double events_per_second = 0;  // of training
};

// Errors: a table without one of the 21 columns or with a value that is not finite (row and
// column), too few rows, a training that ran away, a checkpoint that is damaged or does not fit.
[[nodiscard]] tl::expected<ModelFiles, std::string> train_vae(
    const VaeRecipe& recipe, const VaeSamples& samples,
    const std::function<void(const VaeEpoch&)>& on_epoch);

}  // namespace tamis::models
