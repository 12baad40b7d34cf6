// What a signal in the training sample does to the VAE: it is trained anew with more and more of
// the signal among the background and judged on the same events each time. The same options and
// samples give the same figures. One thread; a minute or so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/calibration.hpp"
#include "models/feature_table.hpp"

namespace tamis::models::vae {

struct ContaminationOptions {
    std::uint64_t seed = 1;
    std::size_t epochs = 10;
    // Of signal in the training sample, the first without: the published ones and a tenth.
    std::vector<double> fractions = {0, 2e-4, 1.9e-3, 1.89e-2, 0.1};
    // Of the background, where the signal's efficiency is read.
    std::vector<double> background_fractions = {1e-2, 1e-3, 1e-4};
};

struct ContaminatedTraining {
    double fraction = 0;
    std::size_t signal_events = 0;  // of all that were trained on
    double area = 0, area_error = 0;
    double change = 0, change_error = 0;  // of the area, from the first training
    std::vector<double> efficiencies;     // at each of the background fractions
};

struct ContaminationSamples {
    FeatureTable background, signal;                // to learn from
    FeatureTable judged_background, judged_signal;  // never learnt
};

// Tables of the 21 features, finite. Error: more signal wanted than there is, or as train_vae.
[[nodiscard]] tl::expected<std::vector<ContaminatedTraining>, std::string> study_contamination(
    const ContaminationOptions& options, const ContaminationSamples& samples,
    const std::function<void(const std::string&)>& on_progress);

}  // namespace tamis::models::vae
