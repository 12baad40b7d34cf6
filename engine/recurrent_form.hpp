// LSTM and GRU: their normal form, its shapes, and the layer made of it. Plain data; cold path.
//
// Normal form: a row x [..., T, in] of the batch (leading dimensions are independent sequences)
// with W [D, gates * H, in], R [D, gates * H, H] and those of B [D, 2 * gates * H], initial_h
// [1, D, H], initial_c [1, D, H] and P [D, 3 * H] that the attribute "with" lists, in that order;
// hidden_size, direction (forward, reverse, bidirectional), of GRU linear_before_reset. Outputs Y
// [..., T, D, H], Y_h [..., D, H] and of LSTM Y_c. Gates as in ONNX: i o f c and z r h.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

struct RecurrentLayer {
    enum class Cell { lstm, gru } cell = Cell::lstm;
    enum class Direction { forward, reverse, bidirectional } direction = Direction::forward;
    std::int64_t hidden = 1;
    bool linear_before_reset = false;  // of GRU
    std::string kernel, recurrence;
    std::string bias, initial_h, initial_c, peepholes;  // empty: none

    [[nodiscard]] std::int64_t directions() const {
        return direction == Direction::bidirectional ? 2 : 1;
    }
    [[nodiscard]] std::int64_t gates() const { return cell == Cell::lstm ? 4 : 3; }
};

[[nodiscard]] bool is_recurrent(const Node& node);
// Optional inputs by their place in the normal form, and the letters of "with".
inline constexpr const char* kRecurrentOptions = "BhcP";
// The layer of a node whose inputs are there; shapes are recurrent_shapes' business.
[[nodiscard]] RecurrentLayer recurrent_layer(const Node& node);
// Error: as infer_node_shapes.
[[nodiscard]] tl::expected<std::vector<Shape>, std::string> recurrent_shapes(
    const Graph& graph, const Node& node, const ValueShapes& known);
// Per row.
[[nodiscard]] std::uint64_t recurrent_multiply_adds(const Graph& graph, const RecurrentLayer& layer,
                                                    const Shape& x);

}  // namespace tamis::engine
