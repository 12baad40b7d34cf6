// A graph evaluated by plain loops in double precision: the oracle of tests and what needs no
// oneDNN. Slow; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

struct ReferenceOptions {
    // BatchNormalization by the statistics of the given rows instead of the running ones, as in
    // training.
    bool batch_statistics = false;
};

// inputs: per input of the graph rows x row_size values, row-major. Returns the same per output.
// Dropout is inactive. Error: as check_graph, or an input of the wrong size.
[[nodiscard]] tl::expected<std::vector<std::vector<double>>, std::string> evaluate_reference(
    const Graph& graph, std::size_t rows, std::span<const std::vector<double>> inputs,
    const ReferenceOptions& options = {});

}  // namespace tamis::engine
