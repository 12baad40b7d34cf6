#include "models/ringer/ringer_recipe.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

#include "engine/random.hpp"
#include "models/ringer/cut_selection.hpp"
#include "models/ringer/ringer_bank.hpp"
#include "models/ringer/ringer_bins.hpp"
#include "models/ringer/ringer_network.hpp"
#include "models/ringer/ringer_report.hpp"
#include "models/ringer/ringer_settings.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kGoldenRows = 6;
constexpr std::uint64_t kSeedsPerBin = 100'000;

// What one bin is trained and calibrated on.
struct BinSample {
    std::vector<std::size_t> members;  // positions in the samples
    bool all_et = false;               // taken from all ET of the |eta|
    std::vector<float> held_out;       // of the members, by networks that have not seen them
};

struct Scores {
    std::vector<ScoredCluster> electrons, others;
};

class RingerTrainer {
 public:
    RingerTrainer(const RingerRecipe& recipe,
                  const std::function<void(const std::string&)>& on_progress)
        : recipe_(recipe), on_progress_(on_progress) {
        settings_.normalisation = recipe.normalisation;
        settings_.half_rings = recipe.half_rings;
    }

    [[nodiscard]] tl::expected<ModelFiles, std::string> run();

 private:
    [[nodiscard]] tl::expected<void, std::string> make_bins();
    void take_samples();
    void describe();
    [[nodiscard]] tl::expected<BinSample, std::string> gather(const NetworkFile& bin) const;
    [[nodiscard]] RingRows rows_of(const BinSample& sample) const;
    [[nodiscard]] tl::expected<void, std::string> train_bin(std::size_t bin);
    [[nodiscard]] tl::expected<void, std::string> calibrate();
    void calibrate_point(std::size_t point);
    [[nodiscard]] EfficiencyGoal goal_of(const WantedEfficiency& wanted) const;
    [[nodiscard]] tl::expected<ModelFiles, std::string> assemble();
    void report(const std::string& line);

    const RingerRecipe& recipe_;
    const std::function<void(const std::string&)>& on_progress_;
    RingerSettings settings_;
    std::vector<RingerSample> samples_, tested_;
    std::vector<BinSample> bin_samples_;
    std::vector<engine::Graph> graphs_;
    bool has_reference_ = false;
    ModelFiles files_;
    std::vector<std::string> report_;
};

tl::expected<ModelFiles, std::string> RingerTrainer::run() {
    if (auto made = make_bins(); !made) {
        return tl::unexpected(made.error());
    }
    take_samples();
    describe();
    report(
        "training, bin by bin: electrons/others, folds x first weights, largest SP of "
        "validation with its PD and FA (mean and deviation over folds), what was kept");
    for (std::size_t bin = 0; bin < files_.manifest.networks.size(); ++bin) {
        if (auto trained = train_bin(bin); !trained) {
            return tl::unexpected(trained.error());
        }
    }
    if (auto calibrated = calibrate(); !calibrated) {
        return tl::unexpected(calibrated.error());
    }
    return assemble();
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
                {fmt::format("et{}_eta{}.onnx", et, eta), "", recipe_.et_edges_gev[et],
                 recipe_.et_edges_gev[et + 1], recipe_.eta_edges[eta], recipe_.eta_edges[eta + 1]});
        }
    }
    Manifest settings;
    settings.networks = files_.manifest.networks;
    settings.parameters = ringer_parameters(settings_);
    return read_ringer_settings(settings).map([](const RingerSettings&) {});
}

// The test's share is drawn by place in the sample.
void RingerTrainer::take_samples() {
    const std::vector<RingerSample> all =
        recipe_.samples.empty() ? make_ringer_samples(recipe_.seed, recipe_.run, recipe_.events)
                                : recipe_.samples;
    static const std::uint64_t stream = engine::stream_of("ringer split");
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool is_test = engine::random_uniform(recipe_.seed, stream, i) < recipe_.test_share;
        (is_test ? tested_ : samples_).push_back(all[i]);
    }
    has_reference_ = have_shapes(all);
    const auto electrons = std::count_if(
        all.begin(), all.end(), [](const RingerSample& sample) { return sample.is_electron; });
    const std::string origin =
        recipe_.samples.empty() ? fmt::format("{} synthetic events", recipe_.events) : recipe_.data;
    report(fmt::format("{} clusters of {}: {} electrons, {} others; {} for the test", all.size(),
                       origin, electrons, all.size() - static_cast<std::size_t>(electrons),
                       tested_.size()));
    for (const std::string& line :
         cut_selection_lines(all, recipe_.cut_chain_gev, "all clusters")) {
        report(line);
    }
    files_.manifest.provenance.data =
        recipe_.samples.empty() ? fmt::format("synthetic clusters, seed {}, run {}, events 1 to {}",
                                              recipe_.seed, recipe_.run, recipe_.events)
                                : fmt::format("{} clusters of {}", all.size(), recipe_.data);
}

void RingerTrainer::describe() {
    Manifest& manifest = files_.manifest;
    manifest.name = recipe_.name;
    manifest.version = recipe_.version;
    manifest.kind = "ringer";
    manifest.schema = "rings100";
    manifest.features = ringer_features();
    manifest.parameters = ringer_parameters(settings_);
    manifest.provenance.command = recipe_.command;
    manifest.provenance.seed = recipe_.seed;
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
    const std::size_t needed = std::max(recipe_.least_clusters, recipe_.training.folds);
    std::size_t fewest = 0;
    for (const bool all_et : {false, true}) {
        NetworkFile wide = bin;
        if (all_et) {
            wide.et_low_gev = recipe_.et_edges_gev.front();
            wide.et_high_gev = recipe_.et_edges_gev.back();
        }
        BinSample sample{{}, all_et, {}};
        std::size_t electrons = 0;
        for (std::size_t i = 0; i < samples_.size(); ++i) {
            if (find_bin(std::span(&wide, 1), samples_[i].et, samples_[i].eta)) {
                sample.members.push_back(i);
                electrons += samples_[i].is_electron ? 1 : 0;
            }
        }
        fewest = std::min(electrons, sample.members.size() - electrons);
        if (fewest >= needed) {
            return sample;
        }
    }
    return tl::unexpected(
        fmt::format("{}: only {} clusters of a class in its |eta| ({} are needed); take more "
                    "events or wider bins",
                    bin.file, fewest, needed));
}

RingRows RingerTrainer::rows_of(const BinSample& sample) const {
    RingRows rows;
    rows.width = settings_.input_count();
    for (const std::size_t index : sample.members) {
        std::array<float, kRingCount> buffer{};
        const auto inputs = make_network_inputs(settings_, samples_[index].rings, buffer);
        rows.rings.insert(rows.rings.end(), inputs.begin(), inputs.end());
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
    const RingRows rows = rows_of(*sample);
    RingerFolds options = recipe_.training;
    options.training.seed = recipe_.seed + kSeedsPerBin * bin;
    auto validated = cross_validate(file.file.substr(0, file.file.find('.')), rows, options);
    if (!validated) {
        return tl::unexpected(validated.error());
    }
    report(cross_validation_line(file.file, *validated, rows, options.initialisations) +
           (sample->all_et ? " (all ET)" : ""));
    graphs_.push_back(std::move(validated->graph));
    sample->held_out = std::move(validated->held_out);
    bin_samples_.push_back(std::move(*sample));
    return {};
}

tl::expected<void, std::string> RingerTrainer::calibrate() {
    Manifest without_points = files_.manifest;
    without_points.working_points.clear();
    const auto bank = make_ringer_bank(without_points, graphs_);
    if (!bank) {
        return tl::unexpected(bank.error());
    }
    for (std::size_t point = 0; point < recipe_.working_points.size(); ++point) {
        calibrate_point(point);
    }
    if (!tested_.empty()) {
        for (const auto& line : measure_ringer(files_.manifest.working_points, *bank, tested_,
                                               recipe_.cut_chain_gev)) {
            report(line);
        }
    }
    return {};
}

EfficiencyGoal RingerTrainer::goal_of(const WantedEfficiency& wanted) const {
    EfficiencyGoal goal;
    if (!has_reference_ || !find_cut_point(wanted.name)) {
        goal.fixed = wanted.efficiency;
    }
    goal.relaxation = recipe_.relaxation;
    return goal;
}

// The wanted efficiency of a point that follows the cuts is the mean of its bins', by electrons.
void RingerTrainer::calibrate_point(std::size_t index) {
    const EfficiencyGoal goal = goal_of(recipe_.working_points[index]);
    const auto cuts = find_cut_point(recipe_.working_points[index].name);
    WorkingPoint& point = files_.manifest.working_points[index];
    double wanted = 0, electrons = 0;
    for (std::size_t bin = 0; bin < bin_samples_.size(); ++bin) {
        Scores scores;
        for (std::size_t i = 0; i < bin_samples_[bin].members.size(); ++i) {
            const RingerSample& cluster = samples_[bin_samples_[bin].members[i]];
            const bool in_reference =
                !goal.fixed &&
                passes_cuts(*cuts, *cluster.shapes, cluster.et, cluster.eta, recipe_.cut_chain_gev);
            (cluster.is_electron ? scores.electrons : scores.others)
                .push_back({bin_samples_[bin].held_out[i], cluster.average_mu, in_reference});
        }
        const FittedThreshold made =
            fit_threshold(scores.electrons, scores.others, goal, recipe_.thresholds);
        const NetworkFile& file = files_.manifest.networks[bin];
        ThresholdBin& threshold = point.bins.emplace_back();
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
        const auto weight = static_cast<double>(scores.electrons.size());
        wanted += weight * made.efficiency;
        electrons += weight;
    }
    if (!goal.fixed) {
        point.wanted = wanted / electrons;
    }
}

tl::expected<ModelFiles, std::string> RingerTrainer::assemble() {
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

}  // namespace

tl::expected<ModelFiles, std::string> train_ringer(
    const RingerRecipe& recipe, const std::function<void(const std::string& line)>& on_progress) {
    return RingerTrainer(recipe, on_progress).run();
}

}  // namespace tamis::models
