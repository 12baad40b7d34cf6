// LSTM and GRU by plain loops in double precision: their part of reference_network. Any thread.
#pragma once

#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

// x: rows of this shape, [..., T, in]. Returns Y, Y_h and, of LSTM, Y_c.
[[nodiscard]] std::vector<std::vector<double>> evaluate_recurrence(const Graph& graph,
                                                                   const Node& node,
                                                                   const std::vector<double>& x,
                                                                   const Shape& row);

}  // namespace tamis::engine
