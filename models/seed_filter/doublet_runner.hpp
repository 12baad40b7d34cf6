// A seed filter's networks run on doublets as they come, in batches. A DoubletNetwork is immutable
// and shared; a DoubletRunner belongs to one thread and allocates nothing after its construction.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/network.hpp"
#include "models/seed_filter/doublet_features.hpp"
#include "models/seed_filter/seed_filter_settings.hpp"

namespace tamis::models {

inline constexpr std::size_t kDoubletBatch = 64;

// Stands in front: what gets `threshold` or less goes no further.
struct DoubletPrefilter {
    std::shared_ptr<const engine::Network> network;  // 67 features to the probability of a true one
    float threshold = 0;
};

struct DoubletNetwork {
    std::shared_ptr<const engine::Network> network;
    DoubletLayout layout = DoubletLayout::two_channel;
    std::size_t window_port = 0, feature_port = 1;
    std::size_t score_index = 0;
    std::size_t output_size = 1;
    std::optional<DoubletPrefilter> prefilter = std::nullopt;
};

// The network takes the windows in one input and the 67 features in another, told apart by size;
// graphs[1], where the settings have a threshold for it, is the pre-filter. The error says what
// does not fit.
[[nodiscard]] tl::expected<DoubletNetwork, std::string> make_doublet_network(
    const SeedFilterSettings& settings, std::span<const engine::Graph> graphs);

class DoubletRunner {
 public:
    // `network` outlives the runner.
    explicit DoubletRunner(const DoubletNetwork& network);

    // Queues a doublet, whose arrays outlive the next flush(); its score is in *answer then: NaN
    // where a feature or the network's answer is not finite. What the pre-filter rejects gets its
    // probability less 1, below all that the network may say, and the network never sees it.
    void add(const DoubletView& doublet, float* answer) noexcept;
    void flush() noexcept;

 private:
    void ask_prefilter() noexcept;
    void ask_network(const DoubletView& doublet, float* answer) noexcept;
    void run_network() noexcept;

    const DoubletNetwork& network_;
    engine::NetworkRunner runner_;
    std::array<float*, kDoubletBatch> answers_{};
    std::size_t count_ = 0;

    struct Waiting {
        DoubletView doublet;
        float* answer;
    };
    std::optional<engine::NetworkRunner> prefilter_;
    std::vector<Waiting> waiting_;  // rows of the pre-filter
};

}  // namespace tamis::models
