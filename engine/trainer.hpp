// Epochs of mini-batches over a data set, with validation, early stopping and a learning rate that
// falls on a plateau. Same network, data, seed and instruction set: the same weights, bit for bit.
// One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/loss.hpp"
#include "engine/optimizer.hpp"
#include "engine/trainable_network.hpp"

namespace tamis::engine {

// Views of somebody's arrays, row-major.
struct Dataset {
    std::vector<std::span<const float>> inputs;  // per input port: rows x row_size
    std::span<const float> target;               // rows x Loss::target_width
    std::span<const float> weight;               // one per row; empty: all 1
    std::size_t rows = 0;
};

struct TrainerConfig {
    std::size_t epochs = 100;
    std::uint64_t seed = 1;  // of the order of rows in each epoch
    std::size_t early_stop_patience =
        0;  // epochs without improvement of the validation loss; 0: never stop early
    double early_stop_min_delta = 0.0;
    std::size_t plateau_patience = 0;  // epochs without improvement before the rate falls; 0: never
    double plateau_min_delta = 1e-4;
    float plateau_factor = 0.1F;
    float min_learning_rate = 1e-7F;
    bool keep_best = true;  // end with the weights of the best epoch, not of the last
    // Written after each epoch; where it exists at the start, training goes on from it and ends as
    // if it had never stopped. Network, data and settings must be those it was begun with, but for
    // `epochs`. Empty: none.
    std::filesystem::path checkpoint = {};
};

struct EpochReport {
    std::size_t epoch = 0;  // from 1
    double training_loss = 0.0;
    double validation_loss = 0.0;  // the training loss where there is no validation set
    float learning_rate = 0.F;
    double rows_per_second = 0.0;  // of training
};

struct TrainingReport {
    enum class End { all_epochs, early_stop, cancelled } end = End::all_epochs;
    std::vector<EpochReport> epochs;  // also those before a checkpoint
    std::size_t best_epoch = 0;
};

struct TrainingData {
    Dataset training;
    Dataset validation;  // without rows: the training loss stands in for its loss
};

// Called after each epoch of this call, when its checkpoint is written; false cancels.
using EpochCallback = std::function<bool(const EpochReport&)>;

// Trains the first output port on the loss. Error: sizes that do not fit, or a loss, weight or
// layer that became NaN or Inf, naming the layer; a checkpoint that is damaged, of another training
// or cannot be written.
[[nodiscard]] tl::expected<TrainingReport, std::string> train(
    TrainableNetwork& network, Optimizer& optimizer, const Loss& loss, const TrainingData& data,
    const TrainerConfig& config, const EpochCallback& callback = {});

// Mean loss in evaluation mode. Error: as train.
[[nodiscard]] tl::expected<double, std::string> evaluate_loss(TrainableNetwork& network,
                                                              const Loss& loss,
                                                              const Dataset& data);

// The order of rows in an epoch: a permutation that is a function of (seed, epoch).
[[nodiscard]] std::vector<std::size_t> shuffled_rows(std::size_t rows, std::uint64_t seed,
                                                     std::uint64_t epoch);

}  // namespace tamis::engine
