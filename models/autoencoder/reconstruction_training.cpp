#include "models/autoencoder/reconstruction_training.hpp"

#include <algorithm>
#include <bit>
#include <gsl/assert>
#include <memory>
#include <vector>

#include "engine/optimizer.hpp"
#include "engine/random.hpp"
#include "engine/trainable_network.hpp"
#include "models/autoencoder/reconstruction_loss.hpp"
#include "models/distance_correlation.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kFewestRows = 16, kMostRows = 256;  // of a batch
constexpr std::size_t kStepsAnEpoch = 32;

std::unique_ptr<engine::Loss> make_loss(const ReconstructionOptions& options,
                                        const ReconstructionShape& shape) {
    if (options.decorrelation > 0) {
        return std::make_unique<DecorrelatedReconstructionLoss>(options.decorrelation);
    }
    if (options.kind == ReconstructionKind::denoising) {
        return std::make_unique<engine::MeanSquaredError>();
    }
    return std::make_unique<GaussianReconstructionLoss>(shape.columns, shape.latent,
                                                        options.divergence_weight);
}

// What the loss compares with: the rows, each followed by its nuisance where there is one.
std::vector<float> targets_of(std::span<const float> rows, std::size_t columns,
                              std::span<const float> nuisance) {
    std::vector<float> targets;
    for (std::size_t row = 0; row < rows.size() / columns; ++row) {
        const auto from = rows.subspan(row * columns, columns);
        targets.insert(targets.end(), from.begin(), from.end());
        if (!nuisance.empty()) {
            targets.push_back(nuisance[row]);
        }
    }
    return targets;
}

// Of one epoch; validation goes without, so that its losses compare.
void draw_noise(const ReconstructionOptions& options, std::size_t epoch, std::span<float> noise) {
    const double width = options.kind == ReconstructionKind::denoising ? options.noise_width : 1.0;
    const std::uint64_t stream = engine::stream_of("reconstruction noise") + epoch;
    for (std::size_t i = 0; i < noise.size(); ++i) {
        noise[i] =
            static_cast<float>(width * double{engine::random_normal(options.seed, stream, i)});
    }
}

engine::TrainerConfig trainer_config(const ReconstructionOptions& options, std::size_t rows) {
    const std::size_t batch = batch_size_for(options, rows);
    const std::size_t steps = (rows + batch - 1) / batch;
    engine::TrainerConfig config;
    config.epochs = options.most_epochs != 0
                        ? options.most_epochs
                        : std::clamp(options.most_steps / steps, options.fewest_epochs,
                                     options.longest_training);
    config.seed = options.seed;
    config.early_stop_patience = options.stop_epochs;
    config.plateau_patience = options.plateau_epochs;
    config.plateau_factor = options.plateau_factor;
    return config;
}

}  // namespace

std::size_t batch_size_for(std::size_t rows) {
    return std::clamp(std::bit_ceil(rows / kStepsAnEpoch + 1), kFewestRows, kMostRows);
}

std::size_t batch_size_for(const ReconstructionOptions& options, std::size_t rows) {
    return options.decorrelation > 0 ? std::min(kDecorrelationBatch, rows) : batch_size_for(rows);
}

tl::expected<ReconstructionOutcome, std::string> train_reconstruction(
    const ReconstructionOptions& options, const ReconstructionShape& shape,
    std::span<const float> training, std::span<const float> validation,
    const std::function<void(const engine::EpochReport&)>& on_epoch) {
    Expects(training.size() % shape.columns == 0 && validation.size() % shape.columns == 0);
    const std::size_t rows = training.size() / shape.columns;
    const std::size_t held_out = validation.size() / shape.columns;
    Expects(rows > 0 && held_out > 0);
    Expects(options.decorrelation <= 0 || (options.kind == ReconstructionKind::denoising &&
                                           options.training_nuisance.size() == rows &&
                                           options.validation_nuisance.size() == held_out));
    const auto nuisance_of = [&options](std::span<const float> given) {
        return options.decorrelation > 0 ? given : std::span<const float>();
    };
    const std::vector<float> target =
        targets_of(training, shape.columns, nuisance_of(options.training_nuisance));
    const std::vector<float> held_out_target =
        targets_of(validation, shape.columns, nuisance_of(options.validation_nuisance));
    const auto network =
        engine::TrainableNetwork::create(make_learning_network(options.kind, shape, options.seed),
                                         {.mini_batch = batch_size_for(options, rows)});
    if (!network) {
        return tl::make_unexpected(network.error());
    }
    const std::size_t width = noise_size(options.kind, shape);
    std::vector<float> noise(rows * width);
    const std::vector<float> silence(held_out * width);
    draw_noise(options, 1, noise);
    engine::OptimizerConfig adam;
    adam.learning_rate = options.learning_rate;
    adam.kernels.l2 = options.l2;
    engine::Optimizer optimizer(adam);
    auto report =
        engine::train(**network, optimizer, *make_loss(options, shape),
                      {.training = {{training, noise}, target, {}, rows},
                       .validation = {{validation, silence}, held_out_target, {}, held_out}},
                      trainer_config(options, rows), [&](const engine::EpochReport& epoch) {
                          // The data set looks at this array: the next epoch sees other noise.
                          draw_noise(options, epoch.epoch + 1, noise);
                          if (on_epoch) {
                              on_epoch(epoch);
                          }
                          return true;
                      });
    if (!report) {
        return tl::make_unexpected(report.error());
    }
    ReconstructionOutcome outcome{.scoring_graph = make_scoring_network(options.kind, shape),
                                  .report = *std::move(report)};
    const engine::Graph learnt = (*network)->to_graph();
    for (auto& [name, tensor] : outcome.scoring_graph.weights) {
        tensor = learnt.weights.at(name);
    }
    return outcome;
}

}  // namespace tamis::models
