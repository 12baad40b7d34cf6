// Measures what a network needs to run in 8-bit integers, on rows like those it will meet. Cold
// path.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/int8_ranges.hpp"

namespace tamis::engine {

// inputs: per input of the graph rows x row_size values, row-major. The smallest and largest input
// of every dense and convolution layer over these rows, for CompileOptions::int8. Error: as
// Network::compile, no rows, an input of the wrong size, a row that is not finite, or a network
// without such layers.
[[nodiscard]] tl::expected<Int8Ranges, std::string> calibrate_int8(
    const Graph& graph, std::size_t rows, std::span<const std::vector<float>> inputs);

}  // namespace tamis::engine
