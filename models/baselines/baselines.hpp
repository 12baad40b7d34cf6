// The scores that an anomaly score of a table of features has to beat: reconstruction errors of
// autoencoders and of principal components, and, as a bound, supervised classifiers, one a signal.
// The same samples and seed give the same scores, bit for bit. One thread; cold path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/feature_table.hpp"

namespace tamis::models {

struct BaselineOptions {
    std::uint64_t seed = 1;
    std::size_t latent = 4;  // of autoencoders, and components that are kept
    std::size_t hidden = 50;
    std::size_t autoencoder_epochs = 15;
    std::size_t classifier_epochs = 12;
};

// A score of rows: larger is less like the background.
using RowScore = std::function<std::vector<float>(const FeatureTable&)>;

struct Baseline {
    std::string method;  // as find_published (vae/published_results.hpp) knows it
    std::string name;    // for people
    std::string how;     // a sentence
    bool knows_signals = false;
    std::vector<RowScore> scores;  // one for all signals, or one for each of them in order
};

// `background`: what the unsupervised learn; the classifiers learn each signal against it.
// Columns of all tables are the same, values finite. Error: a training that ran away or too few
// rows, naming the baseline.
[[nodiscard]] tl::expected<std::vector<Baseline>, std::string> train_baselines(
    const BaselineOptions& options, const FeatureTable& background, std::span<const Sample> signals,
    const std::function<void(const std::string&)>& on_progress);

}  // namespace tamis::models
