// How a network of the seed filter learns from doublets: cross-entropy with balanced class weights,
// Adam, early stop on the validation loss. One function for the filter and for the pre-filter. Cold
// path; one thread; minutes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/seed_filter/seed_filter_network.hpp"

namespace tamis::models {

struct DoubletTraining {
    std::uint64_t seed = 1;  // of the order of doublets
    std::size_t mini_batch = 128;
    float learning_rate = 3e-3F;
    std::size_t max_epochs = 16;
    std::size_t patience = 3;  // epochs without a lower validation loss
    // Written after each epoch; where it exists, training goes on from it with the same outcome.
    std::filesystem::path checkpoint = {};
};

struct TrainedNetwork {
    engine::Graph graph;              // ends with the probability
    std::vector<std::string> report;  // a line an epoch; the same for the same arguments
};

// True and fake doublets weigh the same in sum, however many there are of each. Error: a sample
// with doublets of one kind only, a training that ran away, a checkpoint that does not fit.
[[nodiscard]] tl::expected<TrainedNetwork, std::string> train_doublet_network(
    const std::function<engine::Graph(SeedFilterOutput)>& make_network,
    const DoubletSamples& training, const DoubletSamples& validation,
    const DoubletTraining& settings, const std::function<void(const std::string& line)>& on_epoch);

// n / (2 n of the doublet's kind). Both kinds must be there.
[[nodiscard]] std::vector<float> balanced_weights(const DoubletSamples& samples);

}  // namespace tamis::models
