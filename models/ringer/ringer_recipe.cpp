#include "models/ringer/ringer_recipe.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <iterator>
#include <utility>

#include "engine/random.hpp"
#include "models/calibration.hpp"
#include "models/ringer/ringer_bank.hpp"
#include "models/ringer/ringer_bins.hpp"
#include "models/ringer/ringer_network.hpp"
#include "models/ringer/ringer_scorer.hpp"
#include "models/ringer/ringer_settings.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kGoldenRows = 6;
constexpr double kGoldenTolerance = 1e-4;

enum class Part : std::uint8_t { training, validation, test };

// 60 %, 20 %, 20 % of the samples, whatever their order.
Part part_of(std::uint64_t seed, std::size_t index) {
    static const std::uint64_t stream = engine::stream_of("ringer split");
    const std::uint64_t draw = engine::random_below(10, seed, stream, index);
    return draw < 6 ? Part::training : draw < 8 ? Part::validation : Part::test;
}

std::string formatted(const char* format, auto... values) {
    std::array<char, 256> text{};
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

// What one bin is trained and judged on.
struct BinSample {
    std::vector<std::size_t> members;  // positions in the samples
    bool all_et = false;               // taken from all ET of the |eta|
};

struct Scores {
    std::vector<ScoredCluster> electrons, others;
};

class RingerTrainer {
 public:
    RingerTrainer(const RingerRecipe& recipe,
                  const std::function<void(const std::string&)>& on_progress)
        : recipe_(recipe), on_progress_(on_progress) {}

    [[nodiscard]] tl::expected<ModelFiles, std::string> run();

 private:
    [[nodiscard]] tl::expected<void, std::string> make_bins();
    [[nodiscard]] tl::expected<BinSample, std::string> gather(const NetworkFile& bin) const;
    [[nodiscard]] RingRows rows_of(const BinSample& sample, Part part) const;
    [[nodiscard]] tl::expected<void, std::string> train_bin(std::size_t bin);
    [[nodiscard]] tl::expected<void, std::string> calibrate();
    [[nodiscard]] Scores score(const RingerBank& bank, std::size_t bin) const;
    void calibrate_bin(std::size_t bin, const Scores& fitted);
    void measure(const RingerBank& bank);
    void measure_point(std::size_t point, std::span<const std::size_t> tested,
                       std::span<const float> answers);
    void describe();
    void report(const std::string& line);

    const RingerRecipe& recipe_;
    const std::function<void(const std::string&)>& on_progress_;
    std::vector<RingerSample> samples_;
    std::vector<BinSample> bin_samples_;
    std::vector<engine::Graph> graphs_;
    ModelFiles files_;
    std::vector<std::string> report_;
};

tl::expected<ModelFiles, std::string> RingerTrainer::run() {
    if (auto made = make_bins(); !made) {
        return tl::unexpected(made.error());
    }
    samples_ = recipe_.samples.empty()
                   ? make_ringer_samples(recipe_.seed, recipe_.run, recipe_.events)
                   : recipe_.samples;
    const auto electrons =
        std::count_if(samples_.begin(), samples_.end(),
                      [](const RingerSample& sample) { return sample.is_electron; });
    describe();
    const std::string origin = recipe_.samples.empty()
                                   ? std::to_string(recipe_.events) + " synthetic events"
                                   : recipe_.data;
    report(formatted("%zu clusters of %s: %zu electrons, %zu others", samples_.size(),
                     origin.c_str(), static_cast<std::size_t>(electrons),
                     samples_.size() - static_cast<std::size_t>(electrons)));
    report("training, bin by bin: electrons/others, epochs, largest SP of validation");
    for (std::size_t bin = 0; bin < files_.manifest.networks.size(); ++bin) {
        if (auto trained = train_bin(bin); !trained) {
            return tl::unexpected(trained.error());
        }
    }
    if (auto calibrated = calibrate(); !calibrated) {
        return tl::unexpected(calibrated.error());
    }
    files_.manifest.provenance.report = report_;
    const std::vector<NetworkFile> bins = std::exchange(files_.manifest.networks, {});
    for (std::size_t bin = 0; bin < bins.size(); ++bin) {
        add_network(files_, bins[bin], graphs_[bin]);
    }
    std::vector<NetworkFile> golden_bins;
    const std::size_t step = std::max<std::size_t>(1, bins.size() / kGoldenRows);
    for (std::size_t bin = 0; bin < bins.size(); bin += step) {
        golden_bins.push_back(bins[bin]);
    }
    auto golden = add_golden_vectors(files_, make_ringer_rows(golden_bins), kGoldenTolerance);
    if (!golden) {
        return tl::unexpected(golden.error());
    }
    return std::move(files_);
}

void RingerTrainer::report(const std::string& line) {
    report_.push_back(line);
    if (on_progress_) {
        on_progress_(line);
    }
}

tl::expected<void, std::string> RingerTrainer::make_bins() {
    for (const auto* const edges : {&recipe_.et_edges_gev, &recipe_.eta_edges}) {
        if (edges->size() < 2 || std::adjacent_find(edges->begin(), edges->end(),
                                                    std::greater_equal<>()) != edges->end()) {
            return tl::unexpected(std::string(
                "the edges of the bins do not rise (two at least are needed); give rising edges"));
        }
    }
    for (std::size_t et = 0; et + 1 < recipe_.et_edges_gev.size(); ++et) {
        for (std::size_t eta = 0; eta + 1 < recipe_.eta_edges.size(); ++eta) {
            files_.manifest.networks.push_back(
                {"et" + std::to_string(et) + "_eta" + std::to_string(eta) + ".onnx", "",
                 recipe_.et_edges_gev[et], recipe_.et_edges_gev[et + 1], recipe_.eta_edges[eta],
                 recipe_.eta_edges[eta + 1]});
        }
    }
    return {};
}

void RingerTrainer::describe() {
    Manifest& manifest = files_.manifest;
    manifest.name = recipe_.name;
    manifest.version = recipe_.version;
    manifest.kind = "ringer";
    manifest.schema = "rings100";
    manifest.features = ringer_features();
    manifest.parameters = ringer_parameters({});
    manifest.provenance.command = recipe_.command;
    manifest.provenance.seed = recipe_.seed;
    manifest.provenance.data =
        recipe_.samples.empty()
            ? formatted("synthetic clusters, seed %llu, run %u, events 1 to %llu",
                        static_cast<unsigned long long>(recipe_.seed), recipe_.run,
                        static_cast<unsigned long long>(recipe_.events))
            : std::to_string(samples_.size()) + " clusters of " + recipe_.data;
    for (const WantedEfficiency& wanted : recipe_.working_points) {
        WorkingPoint& point = manifest.working_points.emplace_back();
        point.name = wanted.name;
        point.target = PointTarget::signal_efficiency;
        point.wanted = wanted.efficiency;
        point.mu_low = recipe_.thresholds.mu_low;
        point.mu_high = recipe_.thresholds.mu_high;
    }
}

tl::expected<BinSample, std::string> RingerTrainer::gather(const NetworkFile& bin) const {
    for (const bool all_et : {false, true}) {
        NetworkFile wide = bin;
        if (all_et) {
            wide.et_low_gev = recipe_.et_edges_gev.front();
            wide.et_high_gev = recipe_.et_edges_gev.back();
        }
        BinSample sample{{}, all_et};
        std::size_t electrons = 0;
        for (std::size_t i = 0; i < samples_.size(); ++i) {
            if (find_bin(std::span(&wide, 1), samples_[i].et, samples_[i].eta)) {
                sample.members.push_back(i);
                electrons += samples_[i].is_electron ? 1 : 0;
            }
        }
        const std::size_t fewest = std::min(electrons, sample.members.size() - electrons);
        if (fewest >= recipe_.least_clusters) {
            return sample;
        }
        if (all_et) {
            return tl::unexpected(bin.file + ": only " + std::to_string(fewest) +
                                  " clusters of a class in its |eta| (" +
                                  std::to_string(recipe_.least_clusters) +
                                  " are needed); take more events or wider bins");
        }
    }
    return BinSample{};
}

RingRows RingerTrainer::rows_of(const BinSample& sample, Part part) const {
    RingRows rows;
    rows.width = kRingCount;
    for (const std::size_t index : sample.members) {
        if (part_of(recipe_.seed, index) != part) {
            continue;
        }
        auto rings = samples_[index].rings;
        normalise_rings(RingNormalisation::absolute_sum, rings);
        rows.rings.insert(rows.rings.end(), rings.begin(), rings.end());
        rows.labels.push_back(samples_[index].is_electron ? 1.0F : 0.0F);
    }
    return rows;
}

tl::expected<void, std::string> RingerTrainer::train_bin(std::size_t bin) {
    const NetworkFile& file = files_.manifest.networks[bin];
    auto sample = gather(file);
    if (!sample) {
        return tl::unexpected(sample.error());
    }
    const RingRows training = rows_of(*sample, Part::training);
    const RingRows validation = rows_of(*sample, Part::validation);
    TrainedBin best;
    for (std::size_t trial = 0; trial < recipe_.initialisations; ++trial) {
        RingerTrainingOptions options = recipe_.training;
        options.seed = recipe_.seed + 1000 * bin + trial;
        auto trained = train_ringer_bin(file.file.substr(0, file.file.find('.')), training,
                                        validation, options);
        if (!trained) {
            return tl::unexpected(trained.error());
        }
        if (trial == 0 || trained->validation.sp > best.validation.sp) {
            best = std::move(*trained);
        }
    }
    bin_samples_.push_back(std::move(*sample));
    graphs_.push_back(std::move(best.graph));
    const std::size_t electrons = training.electrons();
    report(formatted("%s: %zu/%zu%s, %zu epochs, SP %.4f", file.file.c_str(), electrons,
                     training.count() - electrons, bin_samples_.back().all_et ? " (all ET)" : "",
                     best.epochs, best.validation.sp));
    return {};
}

// Of the bin's own network, on all but the test samples.
Scores RingerTrainer::score(const RingerBank& bank, std::size_t bin) const {
    const NetworkFile& file = files_.manifest.networks[bin];
    std::vector<std::size_t> chosen;
    std::copy_if(bin_samples_[bin].members.begin(), bin_samples_[bin].members.end(),
                 std::back_inserter(chosen),
                 [&](std::size_t index) { return part_of(recipe_.seed, index) != Part::test; });
    std::vector<float> answers(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        // A cluster lent from another ET is judged as if it had this bin's.
        const RingerSample& cluster = samples_[chosen[i]];
        bank.score(file.et_high_gev, cluster.eta, cluster.rings, std::span(&answers[i], 1));
    }
    Scores scores;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        const RingerSample& cluster = samples_[chosen[i]];
        (cluster.is_electron ? scores.electrons : scores.others)
            .push_back({answers[i], cluster.average_mu});
    }
    return scores;
}

tl::expected<void, std::string> RingerTrainer::calibrate() {
    Manifest without_points = files_.manifest;
    without_points.working_points.clear();
    const auto bank = make_ringer_bank(without_points, graphs_);
    if (!bank) {
        return tl::unexpected(bank.error());
    }
    for (std::size_t bin = 0; bin < graphs_.size(); ++bin) {
        calibrate_bin(bin, score(*bank, bin));
    }
    measure(*bank);
    return {};
}

void RingerTrainer::calibrate_bin(std::size_t bin, const Scores& fitted) {
    const NetworkFile& file = files_.manifest.networks[bin];
    for (std::size_t i = 0; i < recipe_.working_points.size(); ++i) {
        const FittedThreshold made =
            fit_threshold(fitted.electrons, fitted.others, recipe_.working_points[i].efficiency,
                          recipe_.thresholds);
        ThresholdBin& threshold = files_.manifest.working_points[i].bins.emplace_back();
        threshold.et_low_gev = file.et_low_gev;
        threshold.et_high_gev = file.et_high_gev;
        threshold.eta_low = file.eta_low;
        threshold.eta_high = file.eta_high;
        threshold.slope = made.line.slope;
        threshold.offset = made.line.offset;
        if (made.offset.low) {
            threshold.offset_low = std::min(*made.offset.low, made.line.offset);
        }
        if (made.offset.high) {
            threshold.offset_high = std::max(*made.offset.high, made.line.offset);
        }
    }
}

// What the finished model does to clusters it has not seen.
void RingerTrainer::measure(const RingerBank& bank) {
    std::vector<std::size_t> tested;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
        if (part_of(recipe_.seed, i) == Part::test) {
            tested.push_back(i);
        }
    }
    std::vector<float> answers(tested.size());
    for (std::size_t i = 0; i < tested.size(); ++i) {
        const RingerSample& cluster = samples_[tested[i]];
        bank.score(cluster.et, cluster.eta, cluster.rings, std::span(&answers[i], 1));
    }
    report("test sample, bin by bin: electrons/others, largest SP with its PD and FA");
    for (const NetworkFile& bin : files_.manifest.networks) {
        std::vector<float> electrons, others;
        for (std::size_t i = 0; i < tested.size(); ++i) {
            const RingerSample& cluster = samples_[tested[i]];
            if (find_bin(std::span(&bin, 1), cluster.et, cluster.eta)) {
                (cluster.is_electron ? electrons : others).push_back(answers[i]);
            }
        }
        std::string line =
            formatted("%s: %zu/%zu", bin.file.c_str(), electrons.size(), others.size());
        if (!electrons.empty() && !others.empty()) {
            const SpPoint best = find_best_sp(electrons, others);
            line +=
                formatted(", SP %.4f, PD %.4f, FA %.4f", best.sp, best.detection, best.false_alarm);
        }
        report(line);
    }
    for (std::size_t point = 0; point < recipe_.working_points.size(); ++point) {
        measure_point(point, tested, answers);
    }
}

void RingerTrainer::measure_point(std::size_t index, std::span<const std::size_t> tested,
                                  std::span<const float> answers) {
    WorkingPoint& point = files_.manifest.working_points[index];
    std::size_t electrons = 0, kept_electrons = 0, others = 0, kept_others = 0;
    for (std::size_t i = 0; i < tested.size(); ++i) {
        const RingerSample& cluster = samples_[tested[i]];
        const auto threshold = find_threshold(point, cluster.et, cluster.eta, cluster.average_mu);
        if (!threshold) {
            continue;
        }
        const bool passed = passes(answers[i], *threshold, false);
        (cluster.is_electron ? electrons : others) += 1;
        (cluster.is_electron ? kept_electrons : kept_others) += passed ? 1 : 0;
    }
    if (electrons == 0 || others == 0) {
        return;
    }
    const Interval interval = clopper_pearson(kept_others, others);
    const Interval efficiency = clopper_pearson(kept_electrons, electrons);
    point.signal_efficiency_low = efficiency.low;
    point.signal_efficiency_high = efficiency.high;
    point.signal_efficiency = static_cast<double>(kept_electrons) / static_cast<double>(electrons);
    point.background_fraction = static_cast<double>(kept_others) / static_cast<double>(others);
    point.background_fraction_low = interval.low;
    point.background_fraction_high = interval.high;
    report(formatted(
        "%s (wanted PD %.4f): test PD %.4f of %zu, FA %.4f of %zu (95 %%: %.4f to "
        "%.4f)",
        point.name.c_str(), recipe_.working_points[index].efficiency, point.signal_efficiency,
        electrons, point.background_fraction, others, interval.low, interval.high));
}

}  // namespace

tl::expected<ModelFiles, std::string> train_ringer(
    const RingerRecipe& recipe, const std::function<void(const std::string& line)>& on_progress) {
    return RingerTrainer(recipe, on_progress).run();
}

}  // namespace tamis::models
