#include "engine/tiling.hpp"

#include <gsl/assert>

namespace tamis::engine {

Tiling::Tiling(const std::vector<TileCost>& tiles, std::size_t max_rows)
    : next_(max_rows + 1, 0), cost_(max_rows + 1, 0.0) {
    Expects(!tiles.empty());
    for (std::size_t rows = 1; rows <= max_rows; ++rows) {
        for (std::size_t tile = 0; tile < tiles.size(); ++tile) {
            const std::size_t covered = tiles[tile].rows;
            const double cost = tiles[tile].cost + (covered < rows ? cost_[rows - covered] : 0.0);
            if (tile == 0 || cost < cost_[rows]) {
                cost_[rows] = cost;
                next_[rows] = tile;
            }
        }
    }
}

}  // namespace tamis::engine
