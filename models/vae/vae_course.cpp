#include "models/vae/vae_course.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/checkpoint.hpp"
#include "engine/random.hpp"
#include "engine/refusal.hpp"

namespace tamis::models::vae {
namespace {

// The noise of the validation passes is the same in every epoch, so that losses compare.
constexpr std::uint64_t kValidationPass = std::numeric_limits<std::uint32_t>::max();

// Rows of one epoch in an order that is a function of (seed, epoch).
void shuffle(std::vector<std::size_t>& rows, std::uint64_t seed, std::uint64_t epoch) {
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    const std::uint64_t stream = engine::stream_of("vae shuffle") + epoch;
    for (std::size_t i = rows.size(); i > 1; --i) {
        std::swap(rows[i - 1], rows[engine::random_below(i, seed, stream, i)]);
    }
}

tl::expected<double, std::string> train_epoch(VaeTraining& training, std::size_t mini_batch,
                                              std::span<const std::size_t> rows,
                                              std::uint64_t epoch) {
    double sum = 0;
    for (std::size_t first = 0; first < rows.size(); first += mini_batch) {
        const auto batch = rows.subspan(first, std::min(mini_batch, rows.size() - first));
        const auto loss = training.train_batch(batch, epoch);
        if (!loss) {
            return loss;
        }
        sum += *loss * static_cast<double>(batch.size());
    }
    return sum / static_cast<double>(rows.size());
}

// Counts epochs without progress of at least `delta`.
class Patience {
 public:
    Patience(std::size_t epochs, double delta) : epochs_(epochs), delta_(delta) {}

    // True when the wait is over; it starts anew.
    bool ends_with(double loss) {
        if (loss < best_ - delta_) {
            best_ = loss;
            waited_ = 0;
            return false;
        }
        if (++waited_ < epochs_) {
            return false;
        }
        waited_ = 0;
        return true;
    }
    void save_into(engine::Checkpoint& checkpoint, const std::string& name) const {
        checkpoint.reals[name + "/best"] = {best_};
        checkpoint.integers[name + "/waited"] = waited_;
    }
    void restore_from(engine::CheckpointReader& checkpoint, const std::string& name) {
        checkpoint.read(name + "/best", best_);
        checkpoint.read(name + "/waited", waited_);
    }

 private:
    std::size_t epochs_;
    double delta_;
    double best_ = std::numeric_limits<double>::infinity();
    std::uint64_t waited_ = 0;
};

// One epoch after another, with the state that a checkpoint keeps.
class Course {
 public:
    Course(const VaeRecipe& recipe, const FeatureTable& table, VaeTraining& training)
        : recipe_(recipe),
          training_(training),
          plateau_(recipe.plateau_epochs, recipe.plateau_delta),
          stop_(recipe.stop_epochs, recipe.stop_delta) {
        const auto held_out = static_cast<std::size_t>(recipe.validation_fraction *
                                                       static_cast<double>(table.rows()));
        validation_.resize(std::max(held_out, std::size_t{1}));
        rows_.resize(table.rows() - validation_.size());
        std::iota(validation_.begin(), validation_.end(), rows_.size());
    }

    tl::expected<TrainingOutcome, std::string> run(
        const std::function<void(const VaeEpoch&)>& on_epoch) {
        std::error_code unreadable;  // read_checkpoint will say so
        if (std::filesystem::exists(recipe_.checkpoint, unreadable)) {
            if (auto resumed = resume(); !resumed) {
                return engine::refuse(resumed.error());
            }
        }
        while (outcome_.epochs.size() < recipe_.max_epochs && !stopped_) {
            const auto epoch = next_epoch();
            if (!epoch) {
                return engine::refuse("epoch " + std::to_string(outcome_.epochs.size() + 1) + ": " +
                                      epoch.error());
            }
            settle(*epoch);
            if (auto saved = save(); !saved) {
                return engine::refuse(saved.error());
            }
            if (on_epoch) {
                on_epoch(*epoch);
            }
        }
        return std::move(outcome_);
    }

 private:
    tl::expected<VaeEpoch, std::string> next_epoch() {
        const std::size_t number = outcome_.epochs.size() + 1;
        shuffle(rows_, recipe_.training.seed, number);
        const double rate = training_.learning_rate();
        const auto start = std::chrono::steady_clock::now();
        const auto loss = train_epoch(training_, recipe_.training.mini_batch, rows_, number);
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        if (!loss) {
            return engine::refuse(loss.error());
        }
        const auto validated = training_.mean_loss(validation_, kValidationPass);
        if (!validated) {
            return engine::refuse(validated.error());
        }
        return VaeEpoch{number, *loss, *validated, rate,
                        static_cast<double>(rows_.size()) / std::max(spent.count(), 1e-9)};
    }

    // What follows from an epoch for the next one.
    void settle(const VaeEpoch& epoch) {
        outcome_.epochs.push_back(epoch);
        if (epoch.number == 1 || epoch.validation_loss < outcome_.best.validation_loss) {
            outcome_.best = epoch;
            outcome_.weights = training_.weights();
        }
        stopped_ = stop_.ends_with(epoch.validation_loss);
        if (!stopped_ && plateau_.ends_with(epoch.validation_loss)) {
            training_.set_learning_rate(training_.learning_rate() * recipe_.plateau_factor);
        }
    }

    [[nodiscard]] tl::expected<void, std::string> save() const {
        if (recipe_.checkpoint.empty()) {
            return {};
        }
        engine::Checkpoint checkpoint;
        training_.save_into(checkpoint);
        plateau_.save_into(checkpoint, "plateau");
        stop_.save_into(checkpoint, "stop");
        checkpoint.integers["stopped"] = stopped_ ? 1 : 0;
        checkpoint.integers["best_epoch"] = outcome_.best.number;
        for (const VaeEpoch& epoch : outcome_.epochs) {
            checkpoint.reals["training_loss"].push_back(epoch.training_loss);
            checkpoint.reals["validation_loss"].push_back(epoch.validation_loss);
            checkpoint.reals["learning_rate"].push_back(epoch.learning_rate);
            checkpoint.reals["events_per_second"].push_back(epoch.events_per_second);
        }
        for (const auto& [name, tensor] : outcome_.weights.scoring_graph.weights) {
            checkpoint.floats["best/" + name].assign(tensor.values.begin(), tensor.values.end());
        }
        checkpoint.reals["best/prior_mean"] = outcome_.weights.parameters.prior_mean;
        checkpoint.reals["best/prior_sigma"] = outcome_.weights.parameters.prior_sigma;
        return engine::write_checkpoint(checkpoint, recipe_.checkpoint);
    }

    [[nodiscard]] tl::expected<void, std::string> resume() {
        const auto checkpoint = engine::read_checkpoint(recipe_.checkpoint);
        if (!checkpoint) {
            return engine::refuse(checkpoint.error());
        }
        engine::CheckpointReader reader(*checkpoint);
        training_.restore_from(reader);
        plateau_.restore_from(reader, "plateau");
        stop_.restore_from(reader, "stop");
        std::uint64_t stopped = 0;
        reader.read("stopped", stopped);
        stopped_ = stopped != 0;
        restore_outcome(reader);
        if (auto fits = reader.result(); !fits) {
            return engine::refuse(recipe_.checkpoint.string() + ": " + fits.error());
        }
        return {};
    }

    void restore_outcome(engine::CheckpointReader& reader) {
        std::uint64_t best_epoch = 0;
        reader.read("best_epoch", best_epoch);
        std::array<std::vector<double>, 4> columns;
        reader.read("training_loss", columns[0]);
        reader.read("validation_loss", columns[1]);
        reader.read("learning_rate", columns[2]);
        reader.read("events_per_second", columns[3]);
        reader.expect_same_length(columns);
        outcome_.weights = training_.weights();
        for (auto& [name, tensor] : outcome_.weights.scoring_graph.weights) {
            reader.read("best/" + name, tensor.values);
        }
        reader.read("best/prior_mean", outcome_.weights.parameters.prior_mean);
        reader.read("best/prior_sigma", outcome_.weights.parameters.prior_sigma);
        if (!reader.result()) {
            return;
        }
        for (std::size_t i = 0; i < columns[0].size(); ++i) {
            outcome_.epochs.push_back(
                {i + 1, columns[0][i], columns[1][i], columns[2][i], columns[3][i]});
            if (i + 1 == best_epoch) {
                outcome_.best = outcome_.epochs.back();
            }
        }
    }

    const VaeRecipe& recipe_;
    VaeTraining& training_;
    std::vector<std::size_t> rows_, validation_;
    Patience plateau_, stop_;
    bool stopped_ = false;
    TrainingOutcome outcome_;
};

}  // namespace

tl::expected<TrainingOutcome, std::string> run_training(
    const VaeRecipe& recipe, const FeatureTable& table,
    const std::function<void(const VaeEpoch&)>& on_epoch) {
    auto training = VaeTraining::create(recipe.training, table);
    if (!training) {
        return engine::refuse(training.error());
    }
    return Course(recipe, table, **training).run(on_epoch);
}

}  // namespace tamis::models::vae
