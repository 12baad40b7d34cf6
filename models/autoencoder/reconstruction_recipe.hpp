// The recipe for any table of numbers: rows in, a model of kind "onnx" out whose score is the mean
// squared error of the network's reconstruction of the standardised row. One recipe for every
// table: widths follow from the columns, batches and epochs from the rows. Learns without labels.
// The same table, recipe and seed give the same bytes on one machine. One thread; cold path.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/autoencoder/reconstruction_training.hpp"
#include "models/calibration.hpp"
#include "models/feature_table.hpp"
#include "models/model_files.hpp"

namespace tamis::models {

inline constexpr std::size_t kFewestTableRows = 20;

struct ReconstructionRecipe {
    std::string name;  // of the model, its network file and the schema of FEATURES payloads
    ReconstructionOptions training;
    // Of the rows, drawn by the seed; at least one each. Training never sees them.
    double validation_fraction = 0.1;   // choose the epoch whose weights are kept
    double calibration_fraction = 0.1;  // set the working points
    // What the score is to be independent of, one value a row of the table, by the weight in
    // `training`; empty: nothing.
    std::vector<float> nuisance = {};
    std::string nuisance_name = {};
    std::vector<WantedPoint> working_points = {{"loose", 1e-1}, {"medium", 1e-2}, {"tight", 1e-3}};
};

// `origin`: what the provenance calls the table. Values must be finite. Errors: fewer than
// kFewestTableRows, no columns, a training that ran away, a row without a finite score.
[[nodiscard]] tl::expected<ModelFiles, std::string> train_reconstruction_model(
    const ReconstructionRecipe& recipe, const FeatureTable& table, const std::string& origin,
    const std::function<void(const engine::EpochReport&)>& on_epoch);

}  // namespace tamis::models
