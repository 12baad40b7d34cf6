// What the network library itself allocates in a run, to tell it from what a scorer allocates.
#pragma once

#include <cstddef>

#include "engine/network.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::tests {

// Of one warmed run of `rows` zero rows through the graph, compiled for `max_batch`.
inline std::size_t network_allocations(const engine::Graph& graph, std::size_t max_batch,
                                       std::size_t rows) {
    engine::NetworkRunner runner(engine::Network::compile(graph, {.max_batch = max_batch}).value());
    static_cast<void>(runner.run(rows));
    const AllocationGuard guard;
    static_cast<void>(runner.run(rows));
    return guard.allocations();
}

}  // namespace tamis::tests
