#include "models/vae/vae_samples.hpp"

#include <algorithm>
#include <utility>

#include "engine/refusal.hpp"
#include "models/event_features.hpp"
#include "streams/synthetic/collision_generator.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kLeastRows = 100;
constexpr std::uint32_t kTrainingRun = 1, kCalibrationRun = 2, kFirstSignalRun = 10;

}  // namespace

FeatureTable synthetic_features(std::uint64_t seed, std::uint32_t run, std::uint64_t first_event,
                                std::size_t count, const streams::EventMix& mix) {
    FeatureTable table;
    table.columns.assign(kFeatureNames.begin(), kFeatureNames.end());
    table.values.reserve(count * kHighLevelFeatureCount);
    streams::Collision collision;
    for (std::size_t i = 0; i < count; ++i) {
        streams::generate_collision(seed, run, first_event + i, mix, collision);
        const HighLevelFeatures features = high_level_features(collision.view());
        table.values.insert(table.values.end(), features.begin(), features.end());
    }
    return table;
}

Sample synthetic_sample(const std::string& name, std::uint64_t seed, std::uint32_t run,
                        std::size_t count, const streams::EventMix& mix) {
    Sample sample{.name = name, .table = {}};
    sample.table.columns.assign(kFeatureNames.begin(), kFeatureNames.end());
    sample.table.values.reserve(count * kHighLevelFeatureCount);
    sample.beside.columns = {"LepEta"};
    streams::Collision collision;
    for (std::size_t event = 1; event <= count; ++event) {
        streams::generate_collision(seed, run, event, mix, collision);
        const streams::PhysicsObjects objects = collision.view();
        const HighLevelFeatures features = high_level_features(objects);
        sample.table.values.insert(sample.table.values.end(), features.begin(), features.end());
        sample.pileup.push_back(collision.average_mu);
        const auto lepton = find_trigger_lepton(objects);
        sample.beside.values.push_back(lepton ? static_cast<float>(lepton->eta) : 0.0F);
    }
    return sample;
}

VaeSamples synthetic_vae_samples(const VaeSampleRequest& request) {
    const streams::EventMix background = streams::EventMix::standard_model();
    VaeSamples samples;
    Sample training =
        synthetic_sample("training", request.seed, kTrainingRun, request.training, background);
    Sample calibration = synthetic_sample("calibration", request.seed, kCalibrationRun,
                                          request.calibration, background);
    samples.training = std::move(training.table);
    samples.calibration = std::move(calibration.table);
    if (request.with_pileup) {
        samples.training_nuisance = std::move(training.pileup);
        samples.calibration_nuisance = std::move(calibration.pileup);
        samples.nuisance = "average_mu";
    }
    for (std::size_t i = streams::kStandardModelProcesses; i < streams::kSyntheticProcesses; ++i) {
        const auto process = static_cast<streams::SyntheticProcess>(i);
        samples.signals.push_back(
            {.name = std::string(streams::to_string(process)),
             .table =
                 synthetic_features(request.seed, kFirstSignalRun + static_cast<std::uint32_t>(i),
                                    1, request.each_signal, streams::EventMix::only(process))});
    }
    samples.description = "synthetic collisions, seed " + std::to_string(request.seed) +
                          ": W 59.2 %, QCD 33.8 %, Z 6.7 %, top pairs 0.3 %; " +
                          std::to_string(request.training) + " events for training, " +
                          std::to_string(request.calibration) + " for calibration, " +
                          std::to_string(request.each_signal) + " of each signal";
    return samples;
}

tl::expected<FeatureTable, std::string> checked_features(const FeatureTable& table,
                                                         const std::string& name) {
    auto selected = select_columns(table, kFeatureNames);
    if (!selected) {
        return engine::refuse(name + ": " + selected.error());
    }
    if (selected->rows() < kLeastRows) {
        return engine::refuse(name + ": " + std::to_string(selected->rows()) +
                              " events; right are " + std::to_string(kLeastRows) + " or more");
    }
    return selected;
}

}  // namespace tamis::models
