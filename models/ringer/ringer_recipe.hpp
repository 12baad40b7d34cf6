// The training recipe of the ringer: clusters in, synthetic ones unless others are given, a model's
// files out, with thresholds linear in pile-up, golden vectors and a printed report. The same
// recipe gives the same bytes on one machine. One thread; minutes.
//
// As ATLAS trains it since 2017 (100 rings by |sum|, 100 -> 5 tanh -> 1 linear for each ET and
// |eta| bin, early stop on SP), with cross-entropy for the loss and fixed signal efficiencies where
// ATLAS takes those of its cut-based selection. A bin with too few clusters of a class is trained
// and calibrated on the clusters of all ET in its |eta|; the report says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model_files.hpp"
#include "models/ringer/ringer_samples.hpp"
#include "models/ringer/ringer_thresholds.hpp"
#include "models/ringer/ringer_training.hpp"

namespace tamis::models {

// A working point that is to keep this fraction of the electrons of each bin.
struct WantedEfficiency {
    std::string name;
    double efficiency = 0;
};

struct RingerRecipe {
    std::string name = "ringer";
    std::string version = "1";
    std::string command;      // for the provenance
    std::uint64_t seed = 20;  // of the samples and of the first weights
    std::uint32_t run = 900'020;
    std::uint64_t events = 120'000;
    std::vector<RingerSample> samples;  // in place of synthetic ones
    std::string data;                   // where they come from
    std::vector<double> et_edges_gev = {15, 20, 30, 40, 50, 1e6};
    std::vector<double> eta_edges = {0, 0.8, 1.37, 1.54, 2.37, 2.5};
    std::size_t least_clusters = 300;  // of each class, for a bin to be trained on its own
    std::size_t initialisations = 2;   // the one with the best SP is kept
    RingerTrainingOptions training;
    ThresholdFit thresholds;
    std::vector<WantedEfficiency> working_points = {
        {"tight", 0.95}, {"medium", 0.97}, {"loose", 0.985}, {"very_loose", 0.99}};
};

// Errors: edges that do not rise, a bin without both classes, a training that ran away.
[[nodiscard]] tl::expected<ModelFiles, std::string> train_ringer(
    const RingerRecipe& recipe, const std::function<void(const std::string& line)>& on_progress);

}  // namespace tamis::models
