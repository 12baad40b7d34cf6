#include "models/ringer/ringer_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>

#include "engine/loss.hpp"
#include "engine/optimizer.hpp"
#include "engine/trainable_network.hpp"
#include "engine/trainer.hpp"
#include "models/ringer/ringer_network.hpp"

namespace tamis::models {

namespace {

// Both classes weigh the same in the loss.
std::vector<float> balanced_weights(const RingRows& sample) {
    const auto count = static_cast<double>(sample.count());
    const auto electrons = static_cast<double>(sample.electrons());
    std::vector<float> weights;
    weights.reserve(sample.count());
    for (const float label : sample.labels) {
        weights.push_back(
            static_cast<float>(0.5 * count / (label > 0 ? electrons : count - electrons)));
    }
    return weights;
}

// All zero when the engine fails; the training that follows will say so.
SpPoint measure(engine::TrainableNetwork& network, const RingRows& sample) {
    std::vector<float> electrons, others;
    for (std::size_t first = 0; first < sample.count(); first += network.mini_batch()) {
        const std::size_t rows = std::min(network.mini_batch(), sample.count() - first);
        const auto from =
            std::span(sample.rings).subspan(first * sample.width, rows * sample.width);
        std::copy(from.begin(), from.end(), network.input(0).begin());
        if (!network.forward(rows, engine::ForwardMode::evaluation)) {
            return {};
        }
        for (std::size_t row = 0; row < rows; ++row) {
            (sample.labels[first + row] > 0 ? electrons : others).push_back(network.output(0)[row]);
        }
    }
    return find_best_sp(electrons, others);
}

}  // namespace

std::size_t RingRows::electrons() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(labels.begin(), labels.end(), [](float label) { return label > 0; }));
}

tl::expected<TrainedBin, std::string> train_ringer_bin(const std::string& name,
                                                       const RingRows& training,
                                                       const RingRows& validation,
                                                       const RingerTrainingOptions& options) {
    for (const RingRows* const sample : {&training, &validation}) {
        Expects(sample->electrons() > 0 && sample->electrons() < sample->count());
    }
    const std::array<std::size_t, 3> nodes = {training.width, options.hidden_units, 1};
    auto network = engine::TrainableNetwork::create(
        make_mlp(name, nodes, LastLayer::linear, options.seed), {.mini_batch = options.mini_batch});
    if (!network) {
        return tl::unexpected(name + ": " + network.error());
    }
    engine::OptimizerConfig adam;
    adam.learning_rate = options.learning_rate;
    engine::Optimizer optimizer(adam);
    engine::TrainerConfig config;
    config.epochs = options.max_epochs;
    config.seed = options.seed;
    config.keep_best = false;  // by loss; the best by SP is kept below
    TrainedBin best{(*network)->to_graph(), {}, 0};
    std::size_t best_epoch = 0;
    const auto keep_best = [&](const engine::EpochReport& report) {
        best.epochs = report.epoch;
        const SpPoint reached = measure(**network, validation);
        if (reached.sp > best.validation.sp) {
            best.validation = reached;
            best.graph = (*network)->to_graph();
            best_epoch = report.epoch;
        }
        return report.epoch - best_epoch < options.patience;
    };
    const std::vector<float> weights = balanced_weights(training);
    const engine::Dataset rows{{training.rings}, training.labels, weights, training.count()};
    const auto trained = engine::train(**network, optimizer, engine::BinaryCrossEntropyWithLogits(),
                                       {rows, engine::Dataset{}}, config, keep_best);
    if (!trained) {
        return tl::unexpected(name + ": " + trained.error());
    }
    return best;
}

}  // namespace tamis::models
