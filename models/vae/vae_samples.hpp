// Samples for training and judging the VAE from the synthetic source: the Standard-Model mix of
// arXiv:1811.10276 and its four signals, as tables of the 21 features. A function of the request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/feature_table.hpp"
#include "streams/synthetic/process.hpp"

namespace tamis::models {

// Events [first_event, first_event + count) of one run under the seed and mix.
[[nodiscard]] FeatureTable synthetic_features(std::uint64_t seed, std::uint32_t run,
                                              std::uint64_t first_event, std::size_t count,
                                              const streams::EventMix& mix);

// The same events with what the features do not tell: pile-up, and the trigger lepton's LepEta
// beside the table.
[[nodiscard]] Sample synthetic_sample(const std::string& name, std::uint64_t seed,
                                      std::uint32_t run, std::size_t count,
                                      const streams::EventMix& mix);

struct VaeSampleRequest {
    std::uint64_t seed = 1;
    std::size_t training = 400'000;
    std::size_t calibration = 1'000'000;  // never trained on
    std::size_t each_signal = 50'000;
    bool with_pileup = false;  // as the nuisance
};

struct VaeSamples {
    FeatureTable training;
    FeatureTable calibration;  // background
    // What the score is to be independent of, row by row; empty: nothing.
    std::vector<float> training_nuisance = {}, calibration_nuisance = {};
    std::string nuisance = {};    // its name
    std::vector<Sample> signals;  // may be empty
    std::string description;      // for the provenance
};

// The 21 columns of a table, which may hold others. Error: one is missing, or fewer than 100 rows;
// `name` says of what.
[[nodiscard]] tl::expected<FeatureTable, std::string> checked_features(const FeatureTable& table,
                                                                       const std::string& name);

// Training, calibration and each signal are runs of their own, so that no event is in two of them.
[[nodiscard]] VaeSamples synthetic_vae_samples(const VaeSampleRequest& request);

}  // namespace tamis::models
