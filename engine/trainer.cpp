#include "engine/trainer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/random.hpp"

namespace tamis::engine {

namespace {

constexpr std::uint64_t kShuffleStream = 0x5348'5546'464c'4500;
constexpr std::size_t kMaxRows = std::size_t{1} << 36;  // times the widest row: below 2^64

// Also the values: a ReLU turns a NaN into 0, so that a loss alone does not show it.
tl::expected<void, std::string> check_data(const TrainableNetwork& network, const Loss& loss,
                                           const Dataset& data) {
    const auto refuse = [](const std::string& what, std::size_t given, std::size_t wanted) {
        return tl::unexpected("data set: " + what + " has " + std::to_string(given) +
                              " values (wrong size); " + std::to_string(wanted) + " are needed");
    };
    if (data.rows > kMaxRows) {
        return tl::unexpected("data set: " + std::to_string(data.rows) +
                              " rows (too many); at most " + std::to_string(kMaxRows));
    }
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
    std::uint64_t waited = 0;

    void see(double value) {
        if (value < best - min_delta) {
            best = value;
            waited = 0;
        } else {
            ++waited;
        }
    }
    [[nodiscard]] bool is_over(std::size_t epochs) const { return epochs > 0 && waited >= epochs; }
    void save_into(Checkpoint& checkpoint, const std::string& name) const {
        checkpoint.reals[name + "/best"] = {best};
        checkpoint.integers[name + "/waited"] = waited;
    }
    void restore_from(CheckpointReader& checkpoint, const std::string& name) {
        checkpoint.read(name + "/best", best);
        checkpoint.read(name + "/waited", waited);
    }
};

// One call of train(): the state that a checkpoint keeps, and one epoch after another.
class Course {
 public:
    Course(TrainableNetwork& network, Optimizer& optimizer, const Loss& loss,
           const TrainingData& data, const TrainerConfig& config)
        : network_(network), optimizer_(optimizer), loss_(loss), data_(data), config_(config) {}

    tl::expected<TrainingReport, std::string> run(const EpochCallback& callback) {
        std::error_code unreadable;  // read_checkpoint will say so
        if (std::filesystem::exists(config_.checkpoint, unreadable)) {
            if (auto resumed = resume(); !resumed) return tl::unexpected(resumed.error());
        }
        while (report_.epochs.size() < config_.epochs && !is_stopped()) {
            auto ran = next_epoch();
            if (!ran) {
                return tl::unexpected("epoch " + std::to_string(report_.epochs.size() + 1) + ": " +
                                      ran.error());
            }
            settle(*ran);
            if (auto saved = save(); !saved) return tl::unexpected(saved.error());
            if (callback && !callback(*ran)) {
                report_.end = TrainingReport::End::cancelled;
                break;
            }
        }
        const bool cancelled = report_.end == TrainingReport::End::cancelled;
        if (!cancelled && is_stopped()) report_.end = TrainingReport::End::early_stop;
        if (config_.keep_best && report_.best_epoch != 0) network_.set_weights(best_);
        return std::move(report_);
    }

 private:
    [[nodiscard]] bool is_stopped() const { return stop_.is_over(config_.early_stop_patience); }

    tl::expected<EpochReport, std::string> next_epoch() {
        const std::size_t epoch = report_.epochs.size() + 1;
        const auto start = std::chrono::steady_clock::now();
        const auto order = shuffled_rows(data_.training.rows, config_.seed, epoch);
        auto trained = train_epoch(network_, optimizer_, loss_, data_.training, order);
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        if (!trained) return tl::unexpected(trained.error());
        if (const std::string where = network_.first_non_finite(); !where.empty()) {
            return tl::unexpected("NaN or Inf in " + where +
                                  "; lower the learning rate or normalise the inputs");
        }
        EpochReport report{
            epoch, *trained, *trained, optimizer_.learning_rate(),
            static_cast<double>(data_.training.rows) / std::max(spent.count(), 1e-9)};
        if (data_.validation.rows > 0) {
            auto validated = evaluate_loss(network_, loss_, data_.validation);
            if (!validated) return tl::unexpected("validation: " + validated.error());
            report.validation_loss = *validated;
        }
        return report;
    }

    // What follows from an epoch for the next one.
    void settle(const EpochReport& epoch) {
        report_.epochs.push_back(epoch);
        improvement_.see(epoch.validation_loss);
        stop_.see(epoch.validation_loss);
        plateau_.see(epoch.validation_loss);
        if (improvement_.waited == 0) {
            report_.best_epoch = epoch.epoch;
            if (config_.keep_best) best_ = network_.to_graph();
        }
        if (!is_stopped() && plateau_.is_over(config_.plateau_patience)) {
            optimizer_.set_learning_rate(std::max(
                optimizer_.learning_rate() * config_.plateau_factor, config_.min_learning_rate));
            plateau_.waited = 0;
        }
    }

    [[nodiscard]] tl::expected<void, std::string> save() const {
        if (config_.checkpoint.empty()) return {};
        Checkpoint checkpoint;
        checkpoint.integers["trainer/seed"] = config_.seed;
        checkpoint.integers["trainer/rows"] = data_.training.rows;
        checkpoint.integers["trainer/validation_rows"] = data_.validation.rows;
        checkpoint.integers["trainer/best_epoch"] = report_.best_epoch;
        for (const EpochReport& epoch : report_.epochs) {
            checkpoint.reals["trainer/training_loss"].push_back(epoch.training_loss);
            checkpoint.reals["trainer/validation_loss"].push_back(epoch.validation_loss);
            checkpoint.reals["trainer/learning_rate"].push_back(epoch.learning_rate);
            checkpoint.reals["trainer/rows_per_second"].push_back(epoch.rows_per_second);
        }
        improvement_.save_into(checkpoint, "trainer/improvement");
        stop_.save_into(checkpoint, "trainer/stop");
        plateau_.save_into(checkpoint, "trainer/plateau");
        network_.save_into(checkpoint, "network/");
        optimizer_.save_into(checkpoint);
        for (const auto& [name, tensor] : best_.weights) {
            checkpoint.floats["best/" + name].assign(tensor.values.begin(), tensor.values.end());
        }
        return write_checkpoint(checkpoint, config_.checkpoint);
    }

    tl::expected<void, std::string> resume() {
        const auto checkpoint = read_checkpoint(config_.checkpoint);
        if (!checkpoint) return tl::unexpected(checkpoint.error());
        CheckpointReader reader(*checkpoint);
        reader.expect("trainer/seed", config_.seed);
        reader.expect("trainer/rows", data_.training.rows);
        reader.expect("trainer/validation_rows", data_.validation.rows);
        improvement_.restore_from(reader, "trainer/improvement");
        stop_.restore_from(reader, "trainer/stop");
        plateau_.restore_from(reader, "trainer/plateau");
        network_.restore_from(reader, "network/");
        optimizer_.restore_from(reader, network_.parameters());
        if (config_.keep_best) {
            best_ = network_.to_graph();
            for (auto& [name, tensor] : best_.weights) reader.read("best/" + name, tensor.values);
        }
        restore_report(reader);
        if (auto fits = reader.result(); !fits) {
            return tl::unexpected(config_.checkpoint.string() + ": " + fits.error());
        }
        return {};
    }

    void restore_report(CheckpointReader& reader) {
        std::uint64_t best_epoch = 0;
        reader.read("trainer/best_epoch", best_epoch);
        report_.best_epoch = best_epoch;
        std::array<std::vector<double>, 4> columns;
        reader.read("trainer/training_loss", columns[0]);
        reader.read("trainer/validation_loss", columns[1]);
        reader.read("trainer/learning_rate", columns[2]);
        reader.read("trainer/rows_per_second", columns[3]);
        reader.expect_same_length(columns);
        if (!reader.result()) return;
        for (std::size_t i = 0; i < columns[0].size(); ++i) {
            report_.epochs.push_back({i + 1, columns[0][i], columns[1][i],
                                      static_cast<float>(columns[2][i]), columns[3][i]});
        }
    }

    TrainableNetwork& network_;
    Optimizer& optimizer_;
    const Loss& loss_;
    const TrainingData& data_;
    const TrainerConfig& config_;
    TrainingReport report_;
    Patience improvement_{};
    Patience stop_{config_.early_stop_min_delta};
    Patience plateau_{config_.plateau_min_delta};
    Graph best_;
};

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
                                                const Loss& loss, const TrainingData& data,
                                                const TrainerConfig& config,
                                                const EpochCallback& callback) {
    if (auto fits = check_data(network, loss, data.training); !fits) {
        return tl::unexpected(fits.error());
    }
    const std::size_t least = network.uses_batch_statistics() ? network.mini_batch() : 1;
    if (data.training.rows < least) {
        return tl::unexpected("the training set has " + std::to_string(data.training.rows) +
                              " rows (too few); at least " + std::to_string(least) + " are needed");
    }
    return Course(network, optimizer, loss, data, config).run(callback);
}

}  // namespace tamis::engine
