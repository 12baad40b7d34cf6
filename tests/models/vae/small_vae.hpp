// A VAE trained for a moment on a few synthetic events, for tests that need one that is neither
// random nor constant.
#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "models/catalogue.hpp"
#include "models/vae/vae_manifest.hpp"
#include "models/vae/vae_samples.hpp"
#include "models/vae/vae_training.hpp"

namespace tamis::tests {

inline models::FeatureTable background(std::size_t count, std::uint64_t first = 1) {
    return models::synthetic_features(7, 1, first, count, streams::EventMix::standard_model());
}

inline models::vae::VaeWeights small_vae_weights() {
    const models::FeatureTable table = background(1000);
    auto training = models::vae::VaeTraining::create({.mini_batch = 100}, table);
    std::vector<std::size_t> rows(table.rows());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    for (std::size_t first = 0; first < rows.size(); first += 100) {
        static_cast<void>(
            training.value()->train_batch(std::span(rows).subspan(first, 100), 1).value());
    }
    return training.value()->weights();
}

// Its manifest names one working point, "middle", at a threshold that parts events like those of
// background().
inline models::Manifest small_vae_manifest(const models::vae::VaeParameters& parameters) {
    models::Manifest manifest = models::vae::make_vae_manifest("small", parameters);
    models::WorkingPoint& point = manifest.working_points.emplace_back();
    point.name = "middle";
    point.bins.push_back({.offset = 40});
    return manifest;
}

}  // namespace tamis::tests
