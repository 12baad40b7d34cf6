#include "models/seed_filter/seed_filter_recipe.hpp"

#include <array>
#include <cstdio>
#include <numeric>

#include "engine/loss.hpp"
#include "engine/optimizer.hpp"
#include "engine/trainable_network.hpp"
#include "engine/trainer.hpp"
#include "models/seed_filter/doublet_runner.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/seed_filter/seed_filter_settings.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kGoldenRows = 4;
constexpr double kGoldenTolerance = 1e-4;
constexpr std::size_t kFewestDoublets = 200;  // of a sample

// Efficiency of true doublets at a fake rejection (Pierini, lecture 2).
struct PublishedEfficiency {
    double rejection;
    double efficiency;
};
constexpr std::array<PublishedEfficiency, 4> kPublished = {{{0.50, 0.998996700259},
                                                            {0.75, 0.990524391331},
                                                            {0.90, 0.922210826719},
                                                            {0.99, 0.338669401587}}};

std::string formatted(const char* format, auto... values) {
    std::array<char, 256> text{};
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

// Doublets as the trainer wants them.
struct TrainingArrays {
    std::vector<float> windows, features, labels;

    explicit TrainingArrays(const DoubletSamples& samples)
        : windows(samples.size() * window_values(DoubletLayout::two_channel)),
          features(samples.features),
          labels(samples.is_true.begin(), samples.is_true.end()) {
        const std::size_t size = window_values(DoubletLayout::two_channel);
        for (std::size_t i = 0; i < samples.size(); ++i) {
            write_windows(doublet_at(samples.view(), i), DoubletLayout::two_channel,
                          std::span(windows).subspan(i * size, size));
        }
    }
    [[nodiscard]] engine::Dataset dataset() const {
        return {{windows, features}, labels, {}, labels.size()};
    }
};

struct SplitScores {
    std::vector<float> fakes, trues;
};

class SeedFilterTrainer {
 public:
    SeedFilterTrainer(const SeedFilterRecipe& recipe,
                      const std::function<void(const std::string&)>& on_progress)
        : recipe_(recipe), on_progress_(on_progress) {}

    [[nodiscard]] tl::expected<ModelFiles, std::string> run();

 private:
    [[nodiscard]] tl::expected<engine::Graph, std::string> train();
    [[nodiscard]] DoubletSplit synthetic() const;
    [[nodiscard]] tl::expected<SplitScores, std::string> score(const engine::Graph& graph,
                                                               const DoubletSamples& samples) const;
    void describe();
    [[nodiscard]] std::string describe_samples() const;
    void report_efficiencies(const SplitScores& test);
    void report(const std::string& line);

    const SeedFilterRecipe& recipe_;
    const std::function<void(const std::string&)>& on_progress_;
    DoubletSplit samples_;
    ModelFiles files_;
    std::vector<std::string> report_;
};

tl::expected<ModelFiles, std::string> SeedFilterTrainer::run() {
    samples_ = recipe_.samples ? *recipe_.samples : synthetic();
    if (std::min({samples_.training.size(), samples_.calibration.size(), samples_.test.size()}) <
        std::max(kFewestDoublets, recipe_.mini_batch)) {
        return tl::unexpected("a sample is too small; give at least " +
                              std::to_string(std::max(kFewestDoublets, recipe_.mini_batch)) +
                              " doublets to each");
    }
    describe();
    const auto graph = train();
    if (!graph) {
        return tl::unexpected(graph.error());
    }
    const auto calibration_scores = score(*graph, samples_.calibration);
    const auto test_scores = score(*graph, samples_.test);
    if (!calibration_scores || !test_scores) {
        return tl::unexpected(calibration_scores ? test_scores.error()
                                                 : calibration_scores.error());
    }
    const Calibration calibrated =
        calibrate(calibration_scores->fakes, std::span(&calibration_scores->trues, 1),
                  recipe_.working_points);
    files_.manifest.working_points = calibrated.points;
    report_efficiencies(*test_scores);
    for (const std::string& note : calibrated.notes) {
        report(note);
    }
    files_.manifest.provenance.report = report_;
    NetworkFile file;
    file.file = "seed_filter.onnx";
    add_network(files_, file, *graph);
    std::vector<std::vector<float>> golden;
    for (std::size_t i = 0; i < kGoldenRows; ++i) {
        golden.push_back(table_row_of(doublet_at(samples_.test.view(), i)));
    }
    if (auto added = add_golden_vectors(files_, golden, kGoldenTolerance); !added) {
        return tl::unexpected(added.error());
    }
    return std::move(files_);
}

void SeedFilterTrainer::report(const std::string& line) {
    report_.push_back(line);
    if (on_progress_) {
        on_progress_(line);
    }
}

void SeedFilterTrainer::describe() {
    Manifest& manifest = files_.manifest;
    manifest.name = recipe_.name;
    manifest.version = recipe_.version;
    manifest.kind = "seed_filter";
    manifest.schema = "pixel_doublets";
    for (const std::string& name : doublet_feature_names()) {
        manifest.features.push_back({name, ""});
    }
    SeedFilterSettings settings;
    settings.primary_point = recipe_.working_points.size() / 2;
    manifest.parameters = seed_filter_parameters(settings);
    manifest.provenance.command = recipe_.command;
    manifest.provenance.seed = recipe_.seed;
    manifest.provenance.data = describe_samples();
    report(manifest.provenance.data);
}

std::string SeedFilterTrainer::describe_samples() const {
    if (recipe_.samples) {
        return formatted("%s: %zu to train, %zu to calibrate, %zu to test", samples_.origin.c_str(),
                         samples_.training.size(), samples_.calibration.size(),
                         samples_.test.size());
    }
    return formatted(
        "synthetic doublets, half true, seed %llu: %zu of run %u to train, %zu of run %u to "
        "calibrate, %zu of run %u to test",
        static_cast<unsigned long long>(recipe_.seed), recipe_.training_doublets, recipe_.run,
        recipe_.calibration_doublets, recipe_.run + 1, recipe_.test_doublets, recipe_.run + 2);
}

DoubletSplit SeedFilterTrainer::synthetic() const {
    const auto make = [this](std::uint32_t part, std::size_t count) {
        return make_doublet_samples(recipe_.seed, recipe_.run + part, count);
    };
    return {.training = make(0, recipe_.training_doublets),
            .calibration = make(1, recipe_.calibration_doublets),
            .test = make(2, recipe_.test_doublets),
            .origin = {}};
}

std::string epoch_line(const engine::EpochReport& epoch) {
    return formatted("epoch %zu: loss %.5f, validation %.5f, learning rate %g", epoch.epoch,
                     epoch.training_loss, epoch.validation_loss,
                     static_cast<double>(epoch.learning_rate));
}

// Trains on the logit; the graph returned ends with the probability.
tl::expected<engine::Graph, std::string> SeedFilterTrainer::train() {
    const auto network = engine::TrainableNetwork::create(
        make_seed_filter_network(recipe_.shape, SeedFilterOutput::logit, recipe_.seed),
        {.mini_batch = recipe_.mini_batch});
    if (!network) {
        return tl::unexpected(network.error());
    }
    const TrainingArrays training(samples_.training);
    const TrainingArrays validation(samples_.calibration);
    engine::OptimizerConfig adam;
    adam.learning_rate = recipe_.learning_rate;
    engine::Optimizer optimizer(adam);
    engine::TrainerConfig config;
    config.epochs = recipe_.max_epochs;
    config.seed = recipe_.seed;
    config.early_stop_patience = recipe_.patience;
    config.plateau_patience = 1;
    config.plateau_factor = 0.3F;
    config.checkpoint = recipe_.checkpoint;
    const auto trained =
        engine::train(**network, optimizer, engine::BinaryCrossEntropyWithLogits(),
                      {training.dataset(), validation.dataset()}, config,
                      [this](const engine::EpochReport& epoch) {
                          if (on_progress_) {
                              on_progress_(epoch_line(epoch) +
                                           formatted(", %.0f doublets/s", epoch.rows_per_second));
                          }
                          return true;
                      });
    if (!trained) {
        return tl::unexpected(trained.error());
    }
    // Also the epochs before a checkpoint; without their speed, which is not the same twice.
    for (const engine::EpochReport& epoch : trained->epochs) {
        report_.push_back(epoch_line(epoch));
    }
    report("weights of epoch " + std::to_string(trained->best_epoch) + " kept");
    engine::Graph graph =
        make_seed_filter_network(recipe_.shape, SeedFilterOutput::probability, recipe_.seed);
    graph.weights = (*network)->to_graph().weights;
    return graph;
}

// By the network as the model runs it.
tl::expected<SplitScores, std::string> SeedFilterTrainer::score(
    const engine::Graph& graph, const DoubletSamples& samples) const {
    const auto network = make_doublet_network({}, graph);
    if (!network) {
        return tl::unexpected(network.error());
    }
    std::vector<float> scores(samples.size());
    DoubletRunner runner(*network);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        runner.add(doublet_at(samples.view(), i), &scores[i]);
    }
    runner.flush();
    SplitScores split;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        (samples.is_true[i] != 0 ? split.trues : split.fakes).push_back(scores[i]);
    }
    return split;
}

void SeedFilterTrainer::report_efficiencies(const SplitScores& test) {
    report(formatted("test: %zu true, %zu fake doublets, area under the curve %.5f",
                     test.trues.size(), test.fakes.size(), roc_area(test.fakes, test.trues)));
    for (const PublishedEfficiency& published : kPublished) {
        const std::array<WantedPoint, 1> wanted = {{{"at", 1.0 - published.rejection}}};
        const Calibration at = calibrate(test.fakes, std::span(&test.trues, 1), wanted);
        if (!at.points.empty()) {
            report(formatted("test: %.0f %% of fakes rejected, efficiency %.4f (published %.4f)",
                             100 * published.rejection, at.points[0].signal_efficiency,
                             published.efficiency));
        }
    }
    for (const WorkingPoint& point : files_.manifest.working_points) {
        const double threshold = point.bins[0].offset;
        const auto fraction = [&](const std::vector<float>& scores) {
            return static_cast<double>(count_above(scores, threshold)) /
                   static_cast<double>(scores.size());
        };
        report(formatted("%s: score > %.6f; test efficiency %.4f, fakes kept %.4f",
                         point.name.c_str(), threshold, fraction(test.trues),
                         fraction(test.fakes)));
    }
}

}  // namespace

tl::expected<ModelFiles, std::string> train_seed_filter(
    const SeedFilterRecipe& recipe,
    const std::function<void(const std::string& line)>& on_progress) {
    return SeedFilterTrainer(recipe, on_progress).run();
}

}  // namespace tamis::models
