#include "engine/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/random.hpp"

namespace tamis::engine {

namespace {

constexpr std::uint64_t kShuffleStream = 0x5348'5546'464c'4500;

// Also the values: a ReLU turns a NaN into 0, so that a loss alone does not show it.
tl::expected<void, std::string> check_data(const TrainableNetwork& network, const Loss& loss,
                                           const Dataset& data) {
    const auto refuse = [](const std::string& what, std::size_t given, std::size_t wanted) {
        return tl::unexpected("data set: " + what + " has " + std::to_string(given) +
                              " values (wrong size); " + std::to_string(wanted) + " are needed");
    };
    if (data.inputs.size() != network.inputs().size()) {
        return refuse("the list of inputs", data.inputs.size(), network.inputs().size());
    }
    for (std::size_t port = 0; port < data.inputs.size(); ++port) {
        const std::size_t wanted = data.rows * network.inputs()[port].row_size;
        if (data.inputs[port].size() != wanted) {
            return refuse("input \"" + network.inputs()[port].name + "\"", data.inputs[port].size(),
                          wanted);
        }
    }
    for (std::size_t port = 0; port < data.inputs.size(); ++port) {
        if (!all_finite(data.inputs[port])) {
            return tl::unexpected("data set: input \"" + network.inputs()[port].name +
                                  "\" holds NaN or Inf; remove such rows");
        }
    }
    const std::size_t width = loss.target_width(network.outputs()[0].row_size);
    if (data.target.size() != data.rows * width) {
        return refuse("target", data.target.size(), data.rows * width);
    }
    if (!all_finite(data.target) || !all_finite(data.weight)) {
        return tl::unexpected(
            std::string("data set: target or weight holds NaN or Inf; remove such rows"));
    }
    if (!data.weight.empty() && data.weight.size() != data.rows) {
        return refuse("weight", data.weight.size(), data.rows);
    }
    if (auto right = loss.check_targets(data.target, network.outputs()[0].row_size); !right) {
        return tl::unexpected("data set: " + right.error());
    }
    return {};
}

// Rows of a data set, gathered into the network's ports and a loss batch.
class Batch {
 public:
    Batch(TrainableNetwork& network, const Loss& loss)
        : network_(network),
          width_(network.outputs()[0].row_size),
          target_width_(loss.target_width(width_)),
          target_(network.mini_batch() * target_width_),
          weight_(network.mini_batch()),
          gradient_(network.mini_batch() * width_) {}

    void gather(const Dataset& data, std::span<const std::size_t> rows) {
        for (std::size_t port = 0; port < data.inputs.size(); ++port) {
            const std::size_t size = network_.inputs()[port].row_size;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                std::ranges::copy(
                    data.inputs[port].subspan(rows[i] * size, size),
                    network_.input(port).begin() + static_cast<std::ptrdiff_t>(i * size));
            }
        }
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::ranges::copy(data.target.subspan(rows[i] * target_width_, target_width_),
                              target_.begin() + static_cast<std::ptrdiff_t>(i * target_width_));
            weight_[i] = data.weight.empty() ? 1.F : data.weight[rows[i]];
        }
        rows_ = rows.size();
    }

    // The loss of the present outputs; its gradient goes to gradient().
    double loss(const Loss& loss) {
        return loss.evaluate({network_.output(0), target_, weight_, rows_, width_}, gradient_);
    }

    [[nodiscard]] std::span<const float> gradient() const { return gradient_; }

 private:
    TrainableNetwork& network_;
    std::size_t width_;
    std::size_t target_width_;
    std::vector<float> target_;
    std::vector<float> weight_;
    std::vector<float> gradient_;
    std::size_t rows_ = 0;
};

tl::expected<double, std::string> train_epoch(TrainableNetwork& network, Optimizer& optimizer,
                                              const Loss& loss, const Dataset& data,
                                              std::span<const std::size_t> order) {
    Batch batch(network, loss);
    // Batch statistics need full batches: what is left over waits for the next epoch's order.
    const std::size_t rows_used = network.uses_batch_statistics()
                                      ? data.rows / network.mini_batch() * network.mini_batch()
                                      : data.rows;
    for (std::size_t port = 1; port < network.outputs().size(); ++port) {
        std::ranges::fill(network.output_gradient(port), 0.F);
    }
    double sum = 0.0;
    for (std::size_t first = 0; first < rows_used; first += network.mini_batch()) {
        const std::size_t rows = std::min(network.mini_batch(), rows_used - first);
        batch.gather(data, order.subspan(first, rows));
        if (!network.forward(rows)) return tl::unexpected(std::string("oneDNN failed in forward"));
        const double value = batch.loss(loss);
        if (!std::isfinite(value)) {
            return tl::unexpected("the " + loss.name() + " is not finite (" +
                                  network.first_non_finite() +
                                  "); lower the learning rate or normalise the inputs");
        }
        std::ranges::copy(batch.gradient().first(rows * network.outputs()[0].row_size),
                          network.output_gradient(0).begin());
        if (!network.backward()) return tl::unexpected(std::string("oneDNN failed in backward"));
        optimizer.step(network.parameters());
        sum += value * static_cast<double>(rows);
    }
    return sum / static_cast<double>(rows_used);
}

// Counts epochs since the last improvement of at least min_delta.
struct Patience {
    double min_delta = 0.0;
    double best = std::numeric_limits<double>::infinity();
    std::size_t waited = 0;

    void see(double value) {
        if (value < best - min_delta) {
            best = value;
            waited = 0;
        } else {
            ++waited;
        }
    }
};

tl::expected<EpochReport, std::string> run_epoch(TrainableNetwork& network, Optimizer& optimizer,
                                                 const Loss& loss, const Dataset& training,
                                                 const Dataset& validation, std::uint64_t seed,
                                                 std::size_t epoch) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<std::size_t> order = shuffled_rows(training.rows, seed, epoch);
    auto trained = train_epoch(network, optimizer, loss, training, order);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (!trained) {
        return tl::unexpected("epoch " + std::to_string(epoch) + ": " + trained.error());
    }
    if (const std::string where = network.first_non_finite(); !where.empty()) {
        return tl::unexpected("epoch " + std::to_string(epoch) + ": NaN or Inf in " + where +
                              "; lower the learning rate or normalise the inputs");
    }
    EpochReport report{epoch, *trained, *trained, optimizer.learning_rate(),
                       static_cast<double>(training.rows) / std::max(spent.count(), 1e-9)};
    if (validation.rows > 0) {
        auto validated = evaluate_loss(network, loss, validation);
        if (!validated) {
            return tl::unexpected("epoch " + std::to_string(epoch) +
                                  ", validation: " + validated.error());
        }
        report.validation_loss = *validated;
    }
    return report;
}

}  // namespace

std::vector<std::size_t> shuffled_rows(std::size_t rows, std::uint64_t seed, std::uint64_t epoch) {
    std::vector<std::size_t> order(rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = rows; i-- > 1;) {  // Fisher-Yates
        std::swap(order[i], order[random_below(i + 1, seed, kShuffleStream + epoch, i)]);
    }
    return order;
}

tl::expected<double, std::string> evaluate_loss(TrainableNetwork& network, const Loss& loss,
                                                const Dataset& data) {
    if (auto fits = check_data(network, loss, data); !fits) return tl::unexpected(fits.error());
    if (data.rows == 0) return tl::unexpected(std::string("data set without rows"));
    std::vector<std::size_t> order(data.rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    Batch batch(network, loss);
    double sum = 0.0;
    for (std::size_t first = 0; first < data.rows; first += network.mini_batch()) {
        const std::size_t rows = std::min(network.mini_batch(), data.rows - first);
        batch.gather(data, std::span(order).subspan(first, rows));
        if (!network.forward(rows, ForwardMode::evaluation)) {
            return tl::unexpected(std::string("oneDNN failed in forward"));
        }
        sum += batch.loss(loss) * static_cast<double>(rows);
    }
    const double mean = sum / static_cast<double>(data.rows);
    if (!std::isfinite(mean)) {
        return tl::unexpected("the " + loss.name() + " is not finite (" +
                              network.first_non_finite() + ")");
    }
    return mean;
}

tl::expected<TrainingReport, std::string> train(TrainableNetwork& network, Optimizer& optimizer,
                                                const Loss& loss, const Dataset& training,
                                                const Dataset& validation,
                                                const TrainerConfig& config,
                                                const EpochCallback& callback) {
    if (auto fits = check_data(network, loss, training); !fits) {
        return tl::unexpected(fits.error());
    }
    const std::size_t least = network.uses_batch_statistics() ? network.mini_batch() : 1;
    if (training.rows < least) {
        return tl::unexpected("the training set has " + std::to_string(training.rows) +
                              " rows (too few); at least " + std::to_string(least) + " are needed");
    }
    TrainingReport report;
    Patience improvement{0.0};
    Patience stop{config.early_stop_min_delta};
    Patience plateau{config.plateau_min_delta};
    Graph best;
    for (std::size_t epoch = 1; epoch <= config.epochs; ++epoch) {
        auto ran = run_epoch(network, optimizer, loss, training, validation, config.seed, epoch);
        if (!ran) return tl::unexpected(ran.error());
        report.epochs.push_back(*ran);
        improvement.see(ran->validation_loss);
        stop.see(ran->validation_loss);
        plateau.see(ran->validation_loss);
        if (improvement.waited == 0) {
            report.best_epoch = epoch;
            if (config.keep_best) best = network.to_graph();
        }
        if (callback && !callback(*ran)) {
            report.end = TrainingReport::End::cancelled;
            break;
        }
        if (config.early_stop_patience > 0 && stop.waited >= config.early_stop_patience) {
            report.end = TrainingReport::End::early_stop;
            break;
        }
        if (config.plateau_patience > 0 && plateau.waited >= config.plateau_patience) {
            optimizer.set_learning_rate(std::max(optimizer.learning_rate() * config.plateau_factor,
                                                 config.min_learning_rate));
            plateau.waited = 0;
        }
    }
    if (config.keep_best && report.best_epoch != 0) network.set_weights(best);
    return report;
}

}  // namespace tamis::engine
