// A bank of ringer networks: an event has a few clusters, each scored by the network of its bin.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "daemon/network_timing/network_comparison.hpp"
#include "engine/graph.hpp"

namespace tamis::bench {

// Events of 1, 4 and 10 clusters in random bins. A row of the comparison is an event; its `rows`
// count clusters. Tamis scores with a DenseBank; a peer has one network a bin and runs the one that
// each cluster asks for.
[[nodiscard]] tl::expected<daemon::NetworkComparison, std::string> compare_banks(
    const std::string& name, const std::vector<engine::Graph>& networks,
    const std::vector<daemon::PeerKind>& peers, const daemon::ComparisonOptions& options);

}  // namespace tamis::bench
