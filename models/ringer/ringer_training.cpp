#include "models/ringer/ringer_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>
#include <numeric>

#include "engine/loss.hpp"
#include "engine/optimizer.hpp"
#include "engine/random.hpp"
#include "engine/trainable_network.hpp"
#include "models/ringer/ringer_network.hpp"

namespace tamis::models {

namespace {

engine::OptimizerConfig adam(float learning_rate) {
    engine::OptimizerConfig config;
    config.learning_rate = learning_rate;
    return config;
}

class BinTraining {
 public:
    BinTraining(std::unique_ptr<engine::TrainableNetwork> network, const RingRows& training,
                const RingerTrainingOptions& options)
        : network_(std::move(network)),
          training_(training),
          options_(options),
          optimizer_(adam(options.learning_rate)),
          order_(training.count()) {
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        const auto electrons = static_cast<double>(training.electrons());
        const auto count = static_cast<double>(training.count());
        electron_weight_ = static_cast<float>(0.5 * count / electrons);
        other_weight_ = static_cast<float>(0.5 * count / (count - electrons));
    }

    // One pass over the training sample in an order of its own. Error: where it ran away.
    [[nodiscard]] tl::expected<void, std::string> run_epoch(std::size_t epoch) {
        shuffle(epoch);
        for (std::size_t first = 0; first < order_.size(); first += network_->mini_batch()) {
            const std::size_t rows = std::min(network_->mini_batch(), order_.size() - first);
            if (!train_batch(std::span(order_).subspan(first, rows))) {
                return tl::unexpected("the loss or the engine failed in epoch " +
                                      std::to_string(epoch) + " (" + network_->first_non_finite() +
                                      ")");
            }
        }
        if (const std::string where = network_->first_non_finite(); !where.empty()) {
            return tl::unexpected("not finite in " + where + " (epoch " + std::to_string(epoch) +
                                  "); lower the learning rate");
        }
        return {};
    }

    [[nodiscard]] SpPoint measure(const RingRows& sample) {
        std::vector<float> electrons, others;
        for (std::size_t first = 0; first < sample.count(); first += network_->mini_batch()) {
            const std::size_t rows = std::min(network_->mini_batch(), sample.count() - first);
            const auto from =
                sample.rings.begin() + static_cast<std::ptrdiff_t>(first * sample.width);
            std::copy_n(from, rows * sample.width, network_->input(0).begin());
            if (!network_->forward(rows, engine::ForwardMode::Evaluation)) {
                return {};
            }
            for (std::size_t row = 0; row < rows; ++row) {
                (sample.labels[first + row] > 0 ? electrons : others)
                    .push_back(network_->output(0)[row]);
            }
        }
        return find_best_sp(electrons, others);
    }

    [[nodiscard]] engine::Graph graph() const { return network_->to_graph(); }

 private:
    void shuffle(std::size_t epoch) {
        static const std::uint64_t stream = engine::stream_of("ringer order");
        for (std::size_t i = order_.size() - 1; i > 0; --i) {
            const std::uint64_t index = (static_cast<std::uint64_t>(epoch) << 32U) + i;
            const auto other = engine::random_below(i + 1, options_.seed, stream, index);
            std::swap(order_[i], order_[other]);
        }
    }

    [[nodiscard]] bool train_batch(std::span<const std::size_t> rows) {
        targets_.clear();
        weights_.clear();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto rings = training_.row(rows[i]);
            std::copy(rings.begin(), rings.end(),
                      network_->input(0).subspan(i * training_.width).begin());
            targets_.push_back(training_.labels[rows[i]]);
            weights_.push_back(targets_.back() > 0 ? electron_weight_ : other_weight_);
        }
        if (!network_->forward(rows.size())) {
            return false;
        }
        const engine::LossBatch batch{network_->output(0).first(rows.size()), targets_, weights_,
                                      rows.size(), 1};
        const double loss = loss_.evaluate(batch, network_->output_gradient(0).first(rows.size()));
        if (!std::isfinite(loss) || !network_->backward()) {
            return false;
        }
        optimizer_.step(network_->parameters());
        return true;
    }

    std::unique_ptr<engine::TrainableNetwork> network_;
    const RingRows& training_;
    RingerTrainingOptions options_;
    engine::BinaryCrossEntropyWithLogits loss_;
    engine::Optimizer optimizer_;
    std::vector<std::size_t> order_;
    std::vector<float> targets_, weights_;
    float electron_weight_ = 1, other_weight_ = 1;
};

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
    BinTraining bin(std::move(*network), training, options);
    TrainedBin best{bin.graph(), {}, 0};
    std::size_t best_epoch = 0;
    for (std::size_t epoch = 1; epoch <= options.max_epochs; ++epoch) {
        if (auto run = bin.run_epoch(epoch); !run) {
            return tl::unexpected(name + ": " + run.error());
        }
        best.epochs = epoch;
        const SpPoint reached = bin.measure(validation);
        if (reached.sp > best.validation.sp) {
            best.validation = reached;
            best.graph = bin.graph();
            best_epoch = epoch;
        }
        if (epoch - best_epoch >= options.patience) {
            break;
        }
    }
    return best;
}

}  // namespace tamis::models
