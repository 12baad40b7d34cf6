// What a Network is made of: one program per tile size, packed weights, and which tiles run for how
// many rows. Internal to the engine (sees oneDNN). Immutable after compile; shared by all runners.
#pragma once

#include <memory>
#include <vector>

#include "engine/network.hpp"
#include "engine/program.hpp"
#include "engine/tiling.hpp"

namespace tamis::engine {

struct CompiledNetwork {
    struct Tile {
        std::size_t rows = 1;
        std::shared_ptr<const Program> program;
    };
    std::vector<NetworkPort> inputs;
    std::vector<NetworkPort> outputs;
    std::vector<Tile> tiles;  // ascending
    Tiling tiling;
    std::size_t max_batch = 1;
    std::size_t padded_rows = 1;  // rows a port holds: max_batch and the widest padding
    std::uint64_t multiply_adds = 0;
};

// Of all tile sizes that give the same bits for every row at every place, the set that is cheapest
// for one row and for many. Runs random rows through each. Error: oneDNN refused to execute.
[[nodiscard]] tl::expected<std::vector<CompiledNetwork::Tile>, std::string> invariant_tiles(
    const CompiledNetwork& candidate);

// Cost of one execution of a tile, in microseconds of a 2.5 GHz core: a fixed model, so that the
// same file gives the same tiles everywhere where the bits allow it.
[[nodiscard]] double tile_cost(const CompiledNetwork& network, const CompiledNetwork::Tile& tile);

}  // namespace tamis::engine
