// How a call of any number of rows is cut into tiles of few fixed sizes. Pure data and arithmetic.
#pragma once

#include <cstddef>
#include <vector>

namespace tamis::engine {

struct TileCost {
    std::size_t rows = 1;
    double cost = 1.0;  // of one execution, any unit
};

class Tiling {
 public:
    Tiling() = default;
    // For calls of 1..max_rows rows: the cheapest sequence of tiles that covers them, the last one
    // possibly padded. At least one tile.
    Tiling(const std::vector<TileCost>& tiles, std::size_t max_rows);

    // Which tile (index into the constructor's list) runs next when so many rows are left; rows
    // in 1..max_rows.
    [[nodiscard]] std::size_t next(std::size_t rows) const noexcept { return next_[rows]; }
    [[nodiscard]] double cost(std::size_t rows) const noexcept { return cost_[rows]; }

 private:
    std::vector<std::size_t> next_;
    std::vector<double> cost_;
};

}  // namespace tamis::engine
