// Trains one network of a ringer: electrons against the rest, on rings as the network will see
// them. Early stop on the SP index of a validation sample, the best weights are kept (kolmov and
// saphyra recipes of ATLAS). Cold path; one thread; the same arguments give the same weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/ringer/ringer_thresholds.hpp"

namespace tamis::models {

// Rows of normalised rings, and 1 for an electron, 0 for anything else.
struct RingRows {
    std::size_t width = 0;
    std::vector<float> rings;   // count x width
    std::vector<float> labels;  // count

    [[nodiscard]] std::size_t count() const noexcept { return labels.size(); }
    [[nodiscard]] std::size_t electrons() const noexcept;
    [[nodiscard]] std::span<const float> row(std::size_t index) const noexcept {
        return std::span(rings).subspan(index * width, width);
    }
};

struct RingerTrainingOptions {
    std::size_t hidden_units = 5;
    std::size_t mini_batch = 128;
    float learning_rate = 0.01F;
    std::size_t max_epochs = 150;
    std::size_t patience = 25;  // epochs without a better SP index
    std::uint64_t seed = 1;
};

struct TrainedBin {
    engine::Graph graph;  // linear output: the discriminant
    SpPoint validation;
    std::size_t epochs = 0;  // run
};

// Binary cross-entropy of the logit with both classes weighing the same; Adam. Both samples hold
// both classes. Error: the engine refuses or the training ran away, with the place.
[[nodiscard]] tl::expected<TrainedBin, std::string> train_ringer_bin(
    const std::string& name, const RingRows& training, const RingRows& validation,
    const RingerTrainingOptions& options);

}  // namespace tamis::models
