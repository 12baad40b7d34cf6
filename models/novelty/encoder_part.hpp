// The part of a network that makes one of its outputs. Cold path; any thread.
#pragma once

#include <string>

#include "engine/graph.hpp"

namespace tamis::models {

// The nodes and weights that `output` rests on, and it alone as output. The graph must have it and
// be one that check_graph accepts.
[[nodiscard]] engine::Graph part_for_output(const engine::Graph& graph, const std::string& output);

}  // namespace tamis::models
