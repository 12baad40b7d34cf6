// Derivatives of what a network computes at inference by its inputs: the backward pass of training
// over a graph whose normalisations are constants and whose dropout is gone. Cold path.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "engine/graph.hpp"
#include "engine/trainable_network.hpp"

namespace tamis::engine {

// Of `rows` rows a pass: write input(), forward(), write output_gradient(), backward(), read
// input_gradient(). Error: as TrainableNetwork::create; layers of integers have no derivative.
[[nodiscard]] tl::expected<std::unique_ptr<TrainableNetwork>, std::string>
make_differentiable_network(const Graph& graph, std::size_t rows);

}  // namespace tamis::engine
