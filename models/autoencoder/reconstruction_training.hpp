// One training of a network that gives rows back. Noise is a function of (seed, epoch, row, place),
// so that the same call gives the same weights, bit for bit. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "engine/graph.hpp"
#include "engine/trainer.hpp"
#include "models/autoencoder/reconstruction_network.hpp"

namespace tamis::models {

struct ReconstructionOptions {
    ReconstructionKind kind = ReconstructionKind::denoising;
    std::uint64_t seed = 1;
    std::size_t most_epochs = 0;  // 0: as many as most_steps make, at least fewest_epochs
    std::size_t most_steps = 3000;
    std::size_t fewest_epochs = 5;
    std::size_t longest_training = 200;  // epochs
    float learning_rate = 2e-3F;
    float l2 = 1e-5F;              // of every kernel
    std::size_t stop_epochs = 15;  // without improvement of the validation loss
    std::size_t plateau_epochs = 6;
    float plateau_factor = 0.3F;
    double noise_width = 0.2;         // denoising: of the noise on standardised columns
    double divergence_weight = 0.05;  // gaussian
    // Weight of the squared distance correlation of a row's error and the nuisance, one value a row
    // (denoising); the spans must outlive the training.
    double decorrelation = 0;
    std::span<const float> training_nuisance = {}, validation_nuisance = {};
};

// A power of two, at most 256, that makes some 32 steps of an epoch; kDecorrelationBatch, as far as
// there are rows, where the rows of a batch are compared with each other.
[[nodiscard]] std::size_t batch_size_for(std::size_t rows);
[[nodiscard]] std::size_t batch_size_for(const ReconstructionOptions& options, std::size_t rows);

struct ReconstructionOutcome {
    engine::Graph scoring_graph;
    engine::TrainingReport report;
};

// Standardised rows, one after the other; both sets have rows. Error: a training that ran away.
[[nodiscard]] tl::expected<ReconstructionOutcome, std::string> train_reconstruction(
    const ReconstructionOptions& options, const ReconstructionShape& shape,
    std::span<const float> training, std::span<const float> validation,
    const std::function<void(const engine::EpochReport&)>& on_epoch);

}  // namespace tamis::models
