// The training recipe of the seed filter: doublets in, synthetic ones unless others are given, a
// model's files out, with working points at given fake rejections, golden vectors and a printed
// report beside the published efficiencies. The same recipe gives the same bytes on one machine.
// One thread; minutes.
//
// First the dense pre-filter on all doublets; its threshold is set on the calibration sample. Then
// the light network of two channels (seed_filter_network.hpp) on what the pre-filter lets through.
// Figures of the report are of both in a row. The published ones are of another network and other
// data (CMS Open Data): beside ours they are a measure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/calibration.hpp"
#include "models/model_files.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/seed_filter/seed_filter_network.hpp"

namespace tamis::models {

// The pre-filter rejects this fraction of the fakes, fewer where it would otherwise keep less than
// that fraction of the true doublets.
struct PrefilterRecipe {
    double rejection = 0.5;
    double efficiency = 0.999;
    PrefilterShape shape;
    std::size_t max_epochs = 4;
};

struct SeedFilterRecipe {
    std::string name = "seed_filter";
    std::string version = "1";
    std::string command;      // for the provenance
    std::uint64_t seed = 30;  // of the samples and of the first weights
    std::uint32_t run = 900'030;
    // Doublets, half of them true; each sample is of a run of its own (run, run + 1, run + 2).
    std::size_t training_doublets = 120'000;
    std::size_t calibration_doublets = 20'000;  // also for the early stop
    std::size_t test_doublets = 40'000;
    std::optional<DoubletSplit> samples = std::nullopt;  // in place of synthetic ones
    std::size_t turned_copies = 1;  // of each training doublet, by random angles in phi
    PrefilterRecipe prefilter;
    SeedFilterShape shape;
    std::size_t mini_batch = 128;
    float learning_rate = 3e-3F;
    std::size_t max_epochs = 12;
    std::size_t patience = 3;  // epochs without a lower validation loss
    // Of the filter. Written after each epoch; where it exists, training goes on from it with the
    // same outcome.
    std::filesystem::path checkpoint = {};
    // The fraction of fakes that is to be kept.
    std::vector<WantedPoint> working_points = {{"loose", 0.5}, {"medium", 0.25}, {"tight", 0.1}};
};

// Errors: samples too small for their purpose, a training that ran away, a checkpoint that is
// damaged or does not fit.
[[nodiscard]] tl::expected<ModelFiles, std::string> train_seed_filter(
    const SeedFilterRecipe& recipe,
    const std::function<void(const std::string& line)>& on_progress);

}  // namespace tamis::models
