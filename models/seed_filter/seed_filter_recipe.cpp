#include "models/seed_filter/seed_filter_recipe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "engine/network.hpp"
#include "models/seed_filter/doublet_runner.hpp"
#include "models/seed_filter/published_efficiencies.hpp"
#include "models/seed_filter/seed_filter_settings.hpp"
#include "models/seed_filter/seed_filter_training.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kGoldenRows = 4;
constexpr std::size_t kFewestDoublets = 200;  // of a sample

std::string formatted(const char* format, auto... values) {
    std::array<char, 256> text{};
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

// "0.9234 (0.9180..0.9284)", with the 95 % interval of the count.
std::string with_interval(std::size_t passed, std::size_t total) {
    const Interval interval = clopper_pearson(passed, total);
    return formatted("%.4f (%.4f..%.4f)", static_cast<double>(passed) / static_cast<double>(total),
                     interval.low, interval.high);
}

struct SplitScores {
    std::vector<float> fakes, trues;
};

SplitScores split_by_truth(const std::vector<float>& scores, const DoubletSamples& samples) {
    SplitScores split;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        (samples.is_true[i] != 0 ? split.trues : split.fakes).push_back(scores[i]);
    }
    return split;
}

// What the pre-filter says of each doublet.
tl::expected<std::vector<float>, std::string> prefilter_scores(const engine::Graph& graph,
                                                               const DoubletSamples& samples) {
    const auto network = engine::Network::compile(graph, {.max_batch = kDoubletBatch});
    if (!network) {
        return tl::unexpected(network.error());
    }
    engine::NetworkRunner runner(*network);
    std::vector<float> scores(samples.size());
    for (std::size_t first = 0; first < scores.size(); first += kDoubletBatch) {
        const std::size_t rows = std::min(kDoubletBatch, scores.size() - first);
        const auto features =
            std::span(samples.features).subspan(first * kDoubletFeatures, rows * kDoubletFeatures);
        std::copy(features.begin(), features.end(), runner.input(0).begin());
        if (runner.run(rows) != engine::RunStatus::ok) {
            return tl::unexpected(
                std::string("the pre-filter gives no finite score; give doublets whose features "
                            "are of ordinary size"));
        }
        std::copy_n(runner.output(0).begin(), rows,
                    scores.begin() + static_cast<std::ptrdiff_t>(first));
    }
    return scores;
}

// Passes what is above.
float prefilter_threshold(SplitScores scores, const PrefilterRecipe& wanted) {
    std::ranges::sort(scores.fakes);
    std::ranges::sort(scores.trues);
    const auto part = [](double fraction, std::size_t count) {
        return static_cast<std::size_t>(fraction * static_cast<double>(count));
    };
    const float of_fakes = scores.fakes[part(wanted.rejection, scores.fakes.size() - 1)];
    const float lowest_kept = scores.trues[part(1 - wanted.efficiency, scores.trues.size())];
    const float of_trues = std::nextafter(lowest_kept, -std::numeric_limits<float>::infinity());
    return std::max(0.0F, std::min(of_fakes, of_trues));
}

std::vector<std::uint8_t> above(const std::vector<float>& scores, float threshold) {
    std::vector<std::uint8_t> passed(scores.size());
    std::transform(scores.begin(), scores.end(), passed.begin(), [threshold](float score) {
        return static_cast<std::uint8_t>(score > threshold ? 1 : 0);
    });
    return passed;
}

class SeedFilterTrainer {
 public:
    SeedFilterTrainer(const SeedFilterRecipe& recipe,
                      const std::function<void(const std::string&)>& on_progress)
        : recipe_(recipe), on_progress_(on_progress) {}

    [[nodiscard]] tl::expected<ModelFiles, std::string> run();

 private:
    [[nodiscard]] DoubletSplit synthetic() const;
    [[nodiscard]] tl::expected<engine::Graph, std::string> train_prefilter();
    [[nodiscard]] tl::expected<engine::Graph, std::string> train_filter();
    [[nodiscard]] tl::expected<void, std::string> calibrate_and_test();
    [[nodiscard]] tl::expected<TrainedNetwork, std::string> train(
        const std::function<engine::Graph(SeedFilterOutput)>& make_network,
        const DoubletTraining& settings);
    [[nodiscard]] tl::expected<ModelFiles, std::string> files();
    void describe();
    [[nodiscard]] std::string describe_samples() const;
    void report_prefilter(const SplitScores& test);
    void report_efficiencies(const SplitScores& test);
    void report(const std::string& line);

    const SeedFilterRecipe& recipe_;
    const std::function<void(const std::string&)>& on_progress_;
    DoubletSplit samples_;
    DoubletSamples training_, checking_;  // of the next network
    SeedFilterSettings settings_;
    std::vector<engine::Graph> networks_;
    ModelFiles files_;
    std::vector<std::string> report_;
};

tl::expected<ModelFiles, std::string> SeedFilterTrainer::run() {
    samples_ = recipe_.samples ? *recipe_.samples : synthetic();
    const std::size_t fewest = std::max(kFewestDoublets, recipe_.mini_batch);
    if (std::min({samples_.training.size(), samples_.calibration.size(), samples_.test.size()}) <
        fewest) {
        return tl::unexpected("a sample is too small; give at least " + std::to_string(fewest) +
                              " doublets to each");
    }
    describe();
    add_turned_copies(samples_.training, recipe_.turned_copies, recipe_.seed);
    auto prefilter = train_prefilter();
    if (!prefilter) {
        return tl::unexpected(prefilter.error());
    }
    if (training_.size() < recipe_.mini_batch) {
        return tl::unexpected(
            std::string("the pre-filter leaves too few doublets to learn from; give more"));
    }
    auto filter = train_filter();
    if (!filter) {
        return tl::unexpected(filter.error());
    }
    networks_ = {*std::move(filter), *std::move(prefilter)};
    if (auto tested = calibrate_and_test(); !tested) {
        return tl::unexpected(tested.error());
    }
    return files();
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
    settings_.primary_point = recipe_.working_points.size() / 2;
    manifest.provenance.command = recipe_.command;
    manifest.provenance.seed = recipe_.seed;
    manifest.provenance.data = describe_samples();
    report(manifest.provenance.data);
    report(formatted("training doublets also as %zu copies, turned in phi by random angles",
                     recipe_.turned_copies));
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

// On what training_ and checking_ hold.
tl::expected<TrainedNetwork, std::string> SeedFilterTrainer::train(
    const std::function<engine::Graph(SeedFilterOutput)>& make_network,
    const DoubletTraining& settings) {
    auto trained = train_doublet_network(make_network, training_, checking_, settings,
                                         [this](const std::string& line) {
                                             if (on_progress_) {
                                                 on_progress_(line);
                                             }
                                         });
    if (trained) {
        report_.insert(report_.end(), trained->report.begin(), trained->report.end());
        if (on_progress_) {
            on_progress_(trained->report.back());
        }
    }
    return trained;
}

// Also takes away from the samples of the filter what it rejects.
tl::expected<engine::Graph, std::string> SeedFilterTrainer::train_prefilter() {
    training_ = std::move(samples_.training);
    checking_ = samples_.calibration;
    DoubletTraining settings;
    settings.seed = recipe_.seed;
    settings.mini_batch = recipe_.mini_batch;
    settings.learning_rate = recipe_.learning_rate;
    settings.max_epochs = recipe_.prefilter.max_epochs;
    settings.patience = recipe_.patience;
    auto trained = train(
        [this](SeedFilterOutput output) {
            return make_prefilter_network(recipe_.prefilter.shape, output, recipe_.seed);
        },
        settings);
    if (!trained) {
        return tl::unexpected(trained.error());
    }
    const auto of_training = prefilter_scores(trained->graph, training_);
    const auto of_checking = prefilter_scores(trained->graph, checking_);
    if (!of_training || !of_checking) {
        return tl::unexpected(of_training ? of_checking.error() : of_training.error());
    }
    const float threshold =
        prefilter_threshold(split_by_truth(*of_checking, checking_), recipe_.prefilter);
    settings_.prefilter_threshold = threshold;
    training_ = select_doublets(training_, above(*of_training, threshold));
    checking_ = select_doublets(checking_, above(*of_checking, threshold));
    return std::move(trained->graph);
}

tl::expected<engine::Graph, std::string> SeedFilterTrainer::train_filter() {
    DoubletTraining settings;
    settings.seed = recipe_.seed;
    settings.mini_batch = recipe_.mini_batch;
    settings.learning_rate = recipe_.learning_rate;
    settings.max_epochs = recipe_.max_epochs;
    settings.patience = recipe_.patience;
    settings.checkpoint = recipe_.checkpoint;
    auto trained = train(
        [this](SeedFilterOutput output) {
            return make_seed_filter_network(recipe_.shape, output, recipe_.seed);
        },
        settings);
    if (!trained) {
        return tl::unexpected(trained.error());
    }
    return std::move(trained->graph);
}

// By the networks as the model runs them.
tl::expected<void, std::string> SeedFilterTrainer::calibrate_and_test() {
    const auto network = make_doublet_network(settings_, networks_);
    if (!network) {
        return tl::unexpected(network.error());
    }
    const auto score = [&network](const DoubletSamples& samples) {
        std::vector<float> scores(samples.size());
        DoubletRunner runner(*network);
        for (std::size_t i = 0; i < samples.size(); ++i) {
            runner.add(doublet_at(samples.view(), i), &scores[i]);
        }
        runner.flush();
        return split_by_truth(scores, samples);
    };
    const SplitScores known = score(samples_.calibration);
    const SplitScores test = score(samples_.test);
    const Calibration calibrated =
        calibrate(known.fakes, std::span(&known.trues, 1), recipe_.working_points);
    files_.manifest.working_points = calibrated.points;
    report_prefilter(test);
    report_efficiencies(test);
    for (const std::string& note : calibrated.notes) {
        report(note);
    }
    return {};
}

// What it rejected has a score below 0.
void SeedFilterTrainer::report_prefilter(const SplitScores& test) {
    const auto rejected = static_cast<std::size_t>(
        std::count_if(test.fakes.begin(), test.fakes.end(), [](float score) { return score < 0; }));
    const auto kept = static_cast<std::size_t>(std::count_if(
        test.trues.begin(), test.trues.end(), [](float score) { return score >= 0; }));
    report(formatted(
        "pre-filter: score > %.6g; test: rejects %s of the fakes, keeps %s of the true",
        *settings_.prefilter_threshold, with_interval(rejected, test.fakes.size()).c_str(),
        with_interval(kept, test.trues.size()).c_str()));
}

void SeedFilterTrainer::report_efficiencies(const SplitScores& test) {
    report(formatted(
        "test: %zu true, %zu fake doublets, area under the curve %.5f; 95 %% intervals of counts",
        test.trues.size(), test.fakes.size(), roc_area(test.fakes, test.trues)));
    for (const PublishedEfficiency& published : kPublishedEfficiencies) {
        const std::array<WantedPoint, 1> wanted = {{{"at", 1.0 - published.rejection}}};
        const Calibration at = calibrate(test.fakes, std::span(&test.trues, 1), wanted);
        if (!at.points.empty()) {
            const std::size_t passed = count_above(test.trues, at.points[0].bins[0].offset);
            report(formatted("test: %.0f %% of fakes rejected, efficiency %s, published %.4f",
                             100 * published.rejection,
                             with_interval(passed, test.trues.size()).c_str(),
                             published.efficiency));
        }
    }
    for (const WorkingPoint& point : files_.manifest.working_points) {
        const double threshold = point.bins[0].offset;
        report(formatted(
            "%s: score > %.6f; test efficiency %s, fakes kept %s", point.name.c_str(), threshold,
            with_interval(count_above(test.trues, threshold), test.trues.size()).c_str(),
            with_interval(count_above(test.fakes, threshold), test.fakes.size()).c_str()));
    }
}

tl::expected<ModelFiles, std::string> SeedFilterTrainer::files() {
    files_.manifest.parameters = seed_filter_parameters(settings_);
    files_.manifest.provenance.report = report_;
    for (std::size_t i = 0; i < networks_.size(); ++i) {
        NetworkFile file;
        file.file = networks_[i].name + ".onnx";
        add_network(files_, file, networks_[i]);
    }
    std::vector<std::vector<float>> golden;
    for (std::size_t i = 0; i < kGoldenRows; ++i) {
        golden.push_back(table_row_of(doublet_at(samples_.test.view(), i)));
    }
    if (auto added = add_golden_vectors(files_, golden, kGoldenTolerance); !added) {
        return tl::unexpected(added.error());
    }
    return std::move(files_);
}

}  // namespace

tl::expected<ModelFiles, std::string> train_seed_filter(
    const SeedFilterRecipe& recipe,
    const std::function<void(const std::string& line)>& on_progress) {
    return SeedFilterTrainer(recipe, on_progress).run();
}

}  // namespace tamis::models
