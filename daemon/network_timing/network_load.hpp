// From the bytes of a model to its first score, in processes of their own: the second load of a
// process finds kernels that the first one left in the libraries' caches.
#pragma once

#include <string>
#include <vector>

#include "daemon/network_timing/network_peer.hpp"
#include "engine/graph.hpp"

namespace tamis::daemon {

struct LoadTime {
    std::string peer;
    double median_ms = 0;  // 0: the peer refused the model
};

// Forks, so it must run before this process has run a network or started a thread. Peers alternate;
// each loads `repetitions` times. The graph must be one that engine/onnx_writer writes.
[[nodiscard]] std::vector<LoadTime> measure_load(const engine::Graph& graph,
                                                 const std::vector<PeerKind>& peers,
                                                 std::size_t repetitions);

}  // namespace tamis::daemon
