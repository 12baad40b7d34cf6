// One worker against two: the same network, a runner and a core for each, as the node's workers
// run.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/network.hpp"

namespace tamis::daemon {

struct WorkerScaling {
    double one_rows_per_s = 0;
    double two_rows_per_s = 0;  // of both together; 0 where this process has but one core
};

// Rounds alternate; each figure is the median of its rounds.
[[nodiscard]] WorkerScaling measure_workers(const std::shared_ptr<const engine::Network>& network,
                                            std::size_t batch, double seconds);

}  // namespace tamis::daemon
