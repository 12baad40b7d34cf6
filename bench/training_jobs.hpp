// What the training bench trains: networks as plain sizes, and their rows. The engine and its peer
// build the same networks from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tamis::bench {

// A VAE: dense encoder to mean and logarithm of the variance, sampling, dense decoder; squared
// error and divergence from the unit normal.
struct VaeJob {
    std::int64_t features = 21, hidden = 50, latent = 4;
    float beta = 0.3F;
};

// The seed filter of shared/reference/perf.md: 3x3 convolutions over [2, 16, 16] with a pooling
// after each group, joined with 67 features, dense 128, 64, 2; cross-entropy of two classes.
struct SeedFilterJob {
    std::vector<std::vector<std::int64_t>> filters;  // per group
};

inline constexpr std::int64_t kSide = 16, kChannels = 2, kExpertFeatures = 67;
inline constexpr std::int64_t kImageSize = kChannels * kSide * kSide;
inline constexpr float kLearningRate = 1e-3F;

// Rows of a mini-batch. `labels` is empty for a VAE.
struct TrainingBatch {
    std::span<const float> rows;      // features, or images
    std::span<const float> features;  // of the seed filter
    std::span<const float> labels;    // 0 or 1
};

class TrainingPeer {
 public:
    virtual ~TrainingPeer() = default;
    // One step of Adam; returns the loss.
    virtual double step(const TrainingBatch& batch) = 0;
};

[[nodiscard]] std::unique_ptr<TrainingPeer> engine_peer(const VaeJob& job, std::size_t mini_batch);
[[nodiscard]] std::unique_ptr<TrainingPeer> engine_peer(const SeedFilterJob& job,
                                                        std::size_t mini_batch);
// Null where the program was built without libtorch.
[[nodiscard]] std::unique_ptr<TrainingPeer> torch_peer(const VaeJob& job, std::size_t mini_batch);
[[nodiscard]] std::unique_ptr<TrainingPeer> torch_peer(const SeedFilterJob& job,
                                                       std::size_t mini_batch);

}  // namespace tamis::bench
