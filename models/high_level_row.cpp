#include "models/high_level_row.hpp"

#include <algorithm>
#include <cstddef>

#include "engine/refusal.hpp"
#include "models/event_features.hpp"

namespace tamis::models {

tl::expected<void, std::string> check_high_level_features(const Manifest& manifest) {
    if (manifest.features.size() != kHighLevelFeatureCount) {
        return engine::refuse("the manifest lists " + std::to_string(manifest.features.size()) +
                              " features; right are the 21 of this kind, HT to nNeuHad");
    }
    for (std::size_t i = 0; i < kHighLevelFeatureCount; ++i) {
        const FeatureSpec& feature = manifest.features[i];
        if (feature.name != kFeatureNames[i]) {
            return engine::refuse("feature " + std::to_string(i) + " is '" + feature.name +
                                  "'; right is '" + std::string(kFeatureNames[i]) + "'");
        }
        if (feature.offset != 0 || feature.scale != 1) {
            return engine::refuse(
                "feature '" + feature.name +
                "' has an offset or scale (this kind folds them into its first layer); "
                "right are 0 and 1");
        }
    }
    return {};
}

ScoreStatus write_high_level_row(EventInputs& event, std::span<float> row) noexcept {
    const auto features = event.high_level_features();
    if (!features) {
        return status_of(features.error());
    }
    // Everything such a model learnt has a trigger lepton.
    if ((**features)[static_cast<std::size_t>(Feature::lep_pt)] <= 0) {
        return ScoreStatus::not_applicable;
    }
    std::copy((*features)->begin(), (*features)->end(), row.begin());
    return ScoreStatus::scored;
}

}  // namespace tamis::models
