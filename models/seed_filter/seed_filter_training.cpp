#include "models/seed_filter/seed_filter_training.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

#include "engine/loss.hpp"
#include "engine/optimizer.hpp"
#include "engine/trainable_network.hpp"
#include "engine/trainer.hpp"

namespace tamis::models {

namespace {

// Doublets as the trainer wants them.
class TrainingArrays {
 public:
    TrainingArrays(const DoubletSamples& samples, bool with_windows)
        : with_windows_(with_windows),
          windows_(with_windows ? samples.size() * kSize : 0),
          features_(samples.features),
          labels_(samples.is_true.begin(), samples.is_true.end()),
          weights_(balanced_weights(samples)) {
        const streams::PixelDoublets doublets = samples.view();
        for (std::size_t i = 0; with_windows && i < samples.size(); ++i) {
            write_windows(doublet_at(doublets, i), DoubletLayout::two_channel,
                          std::span(windows_).subspan(i * kSize, kSize));
        }
    }
    [[nodiscard]] engine::Dataset dataset() const {
        engine::Dataset data{{features_}, labels_, weights_, labels_.size()};
        if (with_windows_) {
            data.inputs.insert(data.inputs.begin(), windows_);
        }
        return data;
    }

 private:
    static constexpr std::size_t kSize = 2 * kWindowPixels;
    bool with_windows_;
    std::vector<float> windows_, features_, labels_, weights_;
};

bool has_both_kinds(const DoubletSamples& samples) {
    const auto trues = std::count(samples.is_true.begin(), samples.is_true.end(), 1);
    return trues > 0 && static_cast<std::size_t>(trues) < samples.size();
}

std::string epoch_line(const std::string& network, const engine::EpochReport& epoch) {
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(),
                  "%s, epoch %zu: loss %.5f, validation %.5f, learning rate %g", network.c_str(),
                  epoch.epoch, epoch.training_loss, epoch.validation_loss,
                  static_cast<double>(epoch.learning_rate));
    return text.data();
}

engine::TrainerConfig trainer_config(const DoubletTraining& settings) {
    engine::TrainerConfig config;
    config.epochs = settings.max_epochs;
    config.seed = settings.seed;
    config.early_stop_patience = settings.patience;
    config.plateau_patience = 1;
    config.plateau_factor = 0.3F;
    config.checkpoint = settings.checkpoint;
    return config;
}

}  // namespace

std::vector<float> balanced_weights(const DoubletSamples& samples) {
    const auto all = static_cast<double>(samples.size());
    const auto trues =
        static_cast<double>(std::count(samples.is_true.begin(), samples.is_true.end(), 1));
    const auto weight_of_true = static_cast<float>(all / (2.0 * trues));
    const auto weight_of_fake = static_cast<float>(all / (2.0 * (all - trues)));
    std::vector<float> weights(samples.size());
    std::transform(
        samples.is_true.begin(), samples.is_true.end(), weights.begin(),
        [&](std::uint8_t is_true) { return is_true != 0 ? weight_of_true : weight_of_fake; });
    return weights;
}

// Trains on the logit.
tl::expected<TrainedNetwork, std::string> train_doublet_network(
    const std::function<engine::Graph(SeedFilterOutput)>& make_network,
    const DoubletSamples& training, const DoubletSamples& validation,
    const DoubletTraining& settings, const std::function<void(const std::string&)>& on_epoch) {
    engine::Graph graph = make_network(SeedFilterOutput::logit);
    if (!has_both_kinds(training) || !has_both_kinds(validation)) {
        return tl::unexpected("a sample of " + graph.name +
                              " has doublets of one kind only; give true and fake ones");
    }
    const auto network =
        engine::TrainableNetwork::create(graph, {.mini_batch = settings.mini_batch});
    if (!network) {
        return tl::unexpected(network.error());
    }
    const bool with_windows = (*network)->inputs().size() == 2;
    const TrainingArrays learnt(training, with_windows);
    const TrainingArrays checked(validation, with_windows);
    engine::OptimizerConfig adam;
    adam.learning_rate = settings.learning_rate;
    engine::Optimizer optimizer(adam);
    const auto trained = engine::train(
        **network, optimizer, engine::BinaryCrossEntropyWithLogits(),
        {learnt.dataset(), checked.dataset()}, trainer_config(settings),
        [&](const engine::EpochReport& epoch) {
            on_epoch(epoch_line(graph.name, epoch) + ", " +
                     std::to_string(static_cast<long>(epoch.rows_per_second)) + " doublets/s");
            return true;
        });
    if (!trained) {
        return tl::unexpected(trained.error());
    }
    TrainedNetwork made{make_network(SeedFilterOutput::probability), {}};
    made.graph.weights = (*network)->to_graph().weights;
    // Also the epochs before a checkpoint; without their speed, which is not the same twice.
    for (const engine::EpochReport& epoch : trained->epochs) {
        made.report.push_back(epoch_line(graph.name, epoch));
    }
    made.report.push_back(graph.name + ": weights of epoch " + std::to_string(trained->best_epoch) +
                          " kept");
    return made;
}

}  // namespace tamis::models
