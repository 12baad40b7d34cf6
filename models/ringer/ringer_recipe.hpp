// The training recipe of the ringer: clusters in, synthetic ones unless others are given, a model's
// files out, with thresholds linear in pile-up, golden vectors and a printed report. The same
// recipe gives the same bytes on one machine. One thread; minutes.
//
// As ATLAS trains it since 2017: 5 hidden units for each ET and |eta| bin, stratified folds, early
// stop on SP, choice by SP, last activation left out, thresholds that keep as many electrons as the
// cut-based selection; with cross-entropy for the loss. A bin with too few clusters of a class is
// trained and calibrated on the clusters of all ET in its |eta|; the report says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model_files.hpp"
#include "models/ringer/ringer_folds.hpp"
#include "models/ringer/ringer_samples.hpp"
#include "models/ringer/ringer_thresholds.hpp"

namespace tamis::models {

// A working point that is to keep as many electrons of each bin as the cut-based selection of its
// name; this fraction where there is none or the sample lacks its quantities.
struct WantedEfficiency {
    std::string name;
    double efficiency = 0;
};

struct RingerRecipe {
    std::string name = "ringer";
    std::string version = "1";
    std::string command;      // for the provenance
    std::uint64_t seed = 20;  // of the samples, the folds and the first weights
    std::uint32_t run = 900'020;
    std::uint64_t events = 120'000;
    std::vector<RingerSample> samples;  // in place of synthetic ones
    std::string data;                   // where they come from
    std::vector<double> et_edges_gev = {15, 20, 30, 40, 50, 1e6};
    std::vector<double> eta_edges = {0, 0.8, 1.37, 1.54, 2.37, 2.5};
    std::size_t least_clusters = 200;  // of each class but the test's, for a bin to learn alone
    double test_share = 0.2;           // of the clusters, for the report alone
    RingNormalisation normalisation = RingNormalisation::absolute_sum;
    bool half_rings = false;
    RingerFolds training;  // its seed is the recipe's
    ThresholdFit thresholds;
    double relaxation = 0;                // as EfficiencyGoal has it
    std::optional<double> cut_chain_gev;  // whose cut tables are taken (cut_selection.hpp)
    std::vector<WantedEfficiency> working_points = {
        {"tight", 0.95}, {"medium", 0.97}, {"loose", 0.985}, {"very_loose", 0.99}};
};

// Errors: edges that do not rise, a bin without both classes, settings that do not go together, a
// training that ran away.
[[nodiscard]] tl::expected<ModelFiles, std::string> train_ringer(
    const RingerRecipe& recipe, const std::function<void(const std::string& line)>& on_progress);

}  // namespace tamis::models
