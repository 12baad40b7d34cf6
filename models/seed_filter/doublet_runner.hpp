// A seed filter's network run on doublets as they come, in batches. A DoubletNetwork is immutable
// and shared; a DoubletRunner belongs to one thread and allocates nothing after its construction.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "engine/graph.hpp"
#include "engine/network.hpp"
#include "models/seed_filter/doublet_features.hpp"
#include "models/seed_filter/seed_filter_settings.hpp"

namespace tamis::models {

inline constexpr std::size_t kDoubletBatch = 64;

struct DoubletNetwork {
    std::shared_ptr<const engine::Network> network;
    DoubletLayout layout = DoubletLayout::two_channel;
    std::size_t window_port = 0, feature_port = 1;
    std::size_t score_index = 0;
    std::size_t output_size = 1;
};

// The network takes the windows in one input and the 67 features in another, told apart by size.
// The error says what does not fit.
[[nodiscard]] tl::expected<DoubletNetwork, std::string> make_doublet_network(
    const SeedFilterSettings& settings, const engine::Graph& graph);

class DoubletRunner {
 public:
    // `network` outlives the runner.
    explicit DoubletRunner(const DoubletNetwork& network);

    // Queues a doublet; its score is in *answer after flush() at the latest: NaN where a feature or
    // the network's answer is not finite.
    void add(const DoubletView& doublet, float* answer) noexcept;
    void flush() noexcept;

 private:
    const DoubletNetwork& network_;
    engine::NetworkRunner runner_;
    std::array<float*, kDoubletBatch> answers_{};
    std::size_t count_ = 0;
};

}  // namespace tamis::models
