// A supervised network of rows: columns -> 50 -> 50 -> one logit, signal against background. The
// bound of what an anomaly score could reach, for it is told what the signal is. The same call
// gives the same weights, bit for bit. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "engine/graph.hpp"

namespace tamis::models {

// Of a table that is learnt from, every tenth row judges when to stop.
inline constexpr std::size_t kValidationStep = 10;

struct ClassifierOptions {
    std::uint64_t seed = 1;
    std::int64_t hidden = 50;
    std::size_t most_epochs = 12;
    std::size_t stop_epochs = 4;  // without improvement of the validation loss
    float learning_rate = 2e-3F;
};

// Standardised rows of `columns` values, one after the other; every tenth row of each class
// validates. Both classes weigh alike. Input x, output logit. Error: fewer than twenty rows of a
// class, or a training that ran away.
[[nodiscard]] tl::expected<engine::Graph, std::string> train_classifier(
    const ClassifierOptions& options, std::span<const float> background,
    std::span<const float> signal, std::size_t columns);

}  // namespace tamis::models
