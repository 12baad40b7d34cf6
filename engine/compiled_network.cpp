#include "engine/compiled_network.hpp"

#include <algorithm>
#include <cstring>

#include "engine/random.hpp"

namespace tamis::engine {

namespace {

// Outputs of a set of rows through one tile size, all ports after one another.
using Outputs = std::vector<FloatBuffer>;

// Rows rotated by `shift`: row r of the set is computed at place (r + shift) mod rows; results are
// put back in order.
class Probe {
 public:
    Probe(const CompiledNetwork& network, std::size_t rows) : network_(network), rows_(rows) {
        for (std::size_t port = 0; port < network.inputs.size(); ++port) {
            FloatBuffer values(rows * network.inputs[port].row_size);
            for (std::size_t i = 0; i < values.size(); ++i) {
                values[i] = random_normal(0x7a31'5e19, port, i);
            }
            rows_in_.push_back(std::move(values));
        }
    }

    tl::expected<Outputs, std::string> through(const CompiledNetwork::Tile& tile,
                                               std::size_t shift) const {
        Outputs rotated_in = rows_in_;
        Outputs rotated_out;
        for (std::size_t port = 0; port < rows_in_.size(); ++port) {
            rotate(rows_in_[port], rotated_in[port], network_.inputs[port].row_size, shift);
        }
        for (const NetworkPort& port : network_.outputs) {
            rotated_out.emplace_back(rows_ * port.row_size);
        }
        FloatBuffer arena(tile.program->arena_bytes / sizeof(float) + 1);
        ProgramMemory memory(tile.program, arena.data());
        for (std::size_t row = 0; row < rows_; row += tile.rows) {
            std::size_t slot = 0;
            for (std::size_t port = 0; port < rotated_in.size(); ++port) {
                memory.bind(slot++, rotated_in[port].data() + row * network_.inputs[port].row_size);
            }
            for (std::size_t port = 0; port < rotated_out.size(); ++port) {
                memory.bind(slot++,
                            rotated_out[port].data() + row * network_.outputs[port].row_size);
            }
            if (!memory.run(tile.rows)) {
                return tl::unexpected(
                    std::string("oneDNN could not execute the network (no executable memory?); "
                                "it needs a process without MemoryDenyWriteExecute"));
            }
        }
        Outputs out = rotated_out;
        for (std::size_t port = 0; port < out.size(); ++port) {
            rotate(rotated_out[port], out[port], network_.outputs[port].row_size, rows_ - shift);
        }
        return out;
    }

 private:
    void rotate(const FloatBuffer& from, FloatBuffer& to, std::size_t row_size,
                std::size_t shift) const {
        for (std::size_t row = 0; row < rows_; ++row) {
            std::memcpy(to.data() + (row + shift) % rows_ * row_size, from.data() + row * row_size,
                        row_size * sizeof(float));
        }
    }

    const CompiledNetwork& network_;
    std::size_t rows_;
    Outputs rows_in_;
};

bool same_bits(const Outputs& a, const Outputs& b) {
    return std::ranges::equal(a, b, [](const FloatBuffer& x, const FloatBuffer& y) {
        return std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
    });
}

// Tiles of one set give the same bits; `bits` are the set's.
struct InvariantSet {
    Outputs bits;
    std::vector<CompiledNetwork::Tile> tiles;
};

double set_cost(const CompiledNetwork& network, const InvariantSet& set) {
    std::vector<TileCost> costs;
    for (const auto& tile : set.tiles) costs.push_back({tile.rows, tile_cost(network, tile)});
    constexpr std::size_t kMany = 64;
    const Tiling tiling(costs, kMany);
    // One row alone is the normal case in a trigger; throughput in batches counts as much as eight
    // of these.
    return tiling.cost(1) + tiling.cost(kMany) / 8.0;
}

}  // namespace

double tile_cost(const CompiledNetwork& network, const CompiledNetwork::Tile& tile) {
    constexpr double kPerStepUs = 0.4;
    constexpr double kPerMultiplyAddUs = 2.0 / 60e3;  // 60 GFLOP/s
    return kPerStepUs * static_cast<double>(tile.program->steps.size()) +
           kPerMultiplyAddUs * static_cast<double>(network.multiply_adds * tile.rows);
}

tl::expected<std::vector<CompiledNetwork::Tile>, std::string> invariant_tiles(
    const CompiledNetwork& candidate) {
    const std::size_t rows = candidate.tiles.back().rows;  // a multiple of every tile
    const Probe probe(candidate, rows);
    std::vector<InvariantSet> sets;
    for (const CompiledNetwork::Tile& tile : candidate.tiles) {
        auto bits = probe.through(tile, 0);
        if (!bits) return tl::unexpected(bits.error());
        bool place_matters = false;
        // 1 moves every row to the next place, 3 and 5 across the widths kernels work in.
        for (const std::size_t shift : {std::size_t{1}, std::size_t{3}, std::size_t{5}}) {
            if (tile.rows == 1) break;
            auto moved = probe.through(tile, shift % rows);
            if (!moved) return tl::unexpected(moved.error());
            place_matters = place_matters || !same_bits(*bits, *moved);
        }
        if (place_matters) continue;
        const auto set = std::ranges::find_if(
            sets, [&](const auto& seen) { return same_bits(seen.bits, *bits); });
        if (set == sets.end()) {
            sets.push_back({std::move(*bits), {tile}});
        } else {
            set->tiles.push_back(tile);
        }
    }
    // A tile of one row has one place, so there is always a set.
    const auto best = std::ranges::min_element(
        sets, {}, [&](const InvariantSet& set) { return set_cost(candidate, set); });
    return best->tiles;
}

}  // namespace tamis::engine
