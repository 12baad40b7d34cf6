#include "models/vae/vae_samples.hpp"

#include <algorithm>

#include "models/event_features.hpp"
#include "streams/synthetic/collision_generator.hpp"

namespace tamis::models {
namespace {

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

VaeSamples synthetic_vae_samples(const VaeSampleRequest& request) {
    const streams::EventMix background = streams::EventMix::standard_model();
    VaeSamples samples;
    samples.training =
        synthetic_features(request.seed, kTrainingRun, 1, request.training, background);
    samples.calibration =
        synthetic_features(request.seed, kCalibrationRun, 1, request.calibration, background);
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

}  // namespace tamis::models
