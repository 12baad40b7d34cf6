#include "engine/network.hpp"

#include <algorithm>
#include <array>
#include <gsl/assert>
#include <optional>

#include "engine/compiled_network.hpp"
#include "engine/emission.hpp"
#include "engine/graph_passes.hpp"
#include "engine/int8_layers.hpp"
#include "engine/packed_weights.hpp"

namespace tamis::engine {

namespace {

constexpr std::array<std::size_t, 5> kTileRows = {1, 4, 16, 64, 512};
// Wider tiles are for programs of one loop, which goes through its rows in pieces of its own.
constexpr std::size_t kMaxRowsOfSteps = 64;
constexpr std::size_t kMaxRunnerBytes = std::size_t{1} << 30;
// Some seconds per row; a file of a few bytes can ask for a day.
constexpr std::uint64_t kMaxMultiplyAdds = std::uint64_t{1} << 36;
// A wider tile does not pay when one intermediate value of it no longer fits the second-level
// cache.
constexpr std::size_t kMaxValueBytes = std::size_t{1} << 20;

std::vector<NetworkPort> ports_of(const LayerPlan& plan, const std::vector<int>& values,
                                  const std::vector<std::string>& names) {
    std::vector<NetworkPort> ports;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Shape& shape = plan.value_shapes[static_cast<std::size_t>(values[i])];
        ports.push_back({names[i], shape, shape.element_count()});
    }
    return ports;
}

std::shared_ptr<const Program> tile_program(const LayerPlan& plan, PackedWeights& weights,
                                            std::size_t rows, OwnKernels* own_kernels,
                                            Int8Layers* int8) {
    ProgramBuilder builder;
    Emission emission(builder, plan, weights,
                      {.batch = static_cast<std::int64_t>(rows),
                       .use = onednn::Use::inference,
                       .own_kernels = own_kernels,
                       .int8 = int8});
    emission.emit_forward();
    return std::make_shared<const Program>(builder.build(rows, false));
}

std::size_t port_floats(const CompiledNetwork& network) {
    std::size_t floats = 0;
    for (const NetworkPort& port : network.inputs) floats += port.row_size * network.padded_rows;
    for (const NetworkPort& port : network.outputs) floats += port.row_size * network.padded_rows;
    return floats;
}

std::size_t arena_bytes(const CompiledNetwork& network) {
    std::size_t bytes = 0;
    for (const auto& tile : network.tiles) bytes = std::max(bytes, tile.program->arena_bytes);
    return bytes;
}

std::string too_large_for_a_runner() {
    return "a runner would need more than 1 GiB; lower the batch or the network's size";
}

// Before oneDNN sees a size or memory is taken. No product overflows: a row has at most 2^26 values
// and a batch 2^16 rows.
tl::expected<void, std::string> check_size(const CompiledNetwork& network) {
    if (network.multiply_adds > kMaxMultiplyAdds) {
        return tl::unexpected(std::to_string(network.multiply_adds) +
                              " multiply-adds per row (too many); at most " +
                              std::to_string(kMaxMultiplyAdds) + " are run");
    }
    if (port_floats(network) * sizeof(float) > kMaxRunnerBytes) {
        return tl::unexpected(too_large_for_a_runner());
    }
    return {};
}

tl::expected<std::unique_ptr<CompiledNetwork>, std::string> compiled_from(
    const Graph& given, const CompileOptions& options) {
    if (auto checked = check_graph(given); !checked) return tl::unexpected(checked.error());
    const Graph graph = prepared_for_inference(given);
    auto plan = plan_layers(graph);
    if (!plan) return tl::unexpected(plan.error());
    auto network = std::make_unique<CompiledNetwork>();
    std::vector<std::string> input_names;
    for (const GraphInput& input : graph.inputs) input_names.push_back(input.name);
    network->inputs = ports_of(*plan, plan->inputs, input_names);
    network->outputs = ports_of(*plan, plan->outputs, graph.outputs);
    network->max_batch = options.max_batch;
    network->multiply_adds = plan->multiply_adds;
    network->padded_rows = options.max_batch;
    if (auto fits = check_size(*network); !fits) return tl::unexpected(fits.error());
    std::size_t widest = 1;
    for (const Shape& shape : plan->value_shapes) widest = std::max(widest, shape.element_count());

    PackedWeights weights(graph.weights);
    std::optional<Int8Layers> int8;
    if (!options.int8.empty()) {
        auto made = Int8Layers::make(*plan, graph.weights, options.int8);
        if (!made) return tl::unexpected(made.error());
        int8 = std::move(*made);
    }
    OwnKernels kernels{graph.weights, {}};
    // Our kernels of floats would take the layers before the integers do.
    OwnKernels* own =
        options.executors == CompileOptions::Executors::all && !int8 ? &kernels : nullptr;
    for (const std::size_t rows : kTileRows) {
        // Independent of max_batch, so that the bits are too.
        if (rows > 1 && rows * widest * sizeof(float) > kMaxValueBytes) break;
        if (rows > kMaxRowsOfSteps) {
            const Program& last = *network->tiles.back().program;
            if (!last.any_rows || last.steps.size() > 1) break;
        }
        network->tiles.push_back(
            {rows, tile_program(*plan, weights, rows, own, int8 ? &*int8 : nullptr)});
        // Here the bits are any tile's: no wider one than there are rows is made.
        if (network->tiles.back().program->any_rows && rows >= options.max_batch) break;
    }
    network->padded_rows = options.max_batch + network->tiles.back().rows - 1;
    if (port_floats(*network) * sizeof(float) + arena_bytes(*network) > kMaxRunnerBytes) {
        return tl::unexpected(too_large_for_a_runner());
    }
    if (network->tiles.back().program->any_rows) {
        // Kernels that take any count need one program, and no padding.
        network->tiles.erase(network->tiles.begin(), network->tiles.end() - 1);
        network->padded_rows = options.max_batch;
    } else {
        auto tiles = invariant_tiles(*network);
        if (!tiles) return tl::unexpected(tiles.error());
        network->tiles = std::move(*tiles);
        network->padded_rows = options.max_batch + network->tiles.back().rows - 1;
    }
    std::vector<TileCost> costs;
    for (const auto& tile : network->tiles) costs.push_back({tile.rows, tile_cost(*network, tile)});
    network->tiling = Tiling(costs, options.max_batch);
    return network;
}

}  // namespace

tl::expected<std::shared_ptr<const Network>, std::string> Network::compile(
    const Graph& graph, const CompileOptions& options) {
    if (options.max_batch < 1 || options.max_batch > static_cast<std::size_t>(kMaxDimension)) {
        return tl::unexpected("max_batch " + std::to_string(options.max_batch) +
                              " (out of range); it lies in 1.." + std::to_string(kMaxDimension));
    }
    onednn::use_one_thread();
    try {
        auto network = compiled_from(graph, options);
        if (!network) return tl::unexpected(network.error());
        return std::make_shared<const Network>(std::move(*network));
    } catch (const std::exception& error) {
        return tl::unexpected("network \"" + graph.name + "\" could not be compiled (" +
                              error.what() + "); change the named layer");
    }
}

Network::Network(std::unique_ptr<const CompiledNetwork> compiled)
    : compiled_(std::move(compiled)) {}

Network::~Network() = default;

std::span<const NetworkPort> Network::inputs() const { return compiled_->inputs; }

std::span<const NetworkPort> Network::outputs() const { return compiled_->outputs; }

std::size_t Network::max_batch() const { return compiled_->max_batch; }

std::uint64_t Network::multiply_adds() const { return compiled_->multiply_adds; }

std::vector<std::size_t> Network::tile_sizes() const {
    std::vector<std::size_t> sizes;
    for (const auto& tile : compiled_->tiles) sizes.push_back(tile.rows);
    return sizes;
}

std::vector<std::string> Network::executors() const {
    std::vector<std::string> lines;
    for (const Step& step : compiled_->tiles.front().program->steps) {
        lines.push_back(step.layer + ": " + step.executor);
    }
    return lines;
}

struct NetworkRunner::Memory {
    struct Tile {
        ProgramMemory program;
        std::size_t rows;
        bool any_rows;
        std::size_t bound_row = SIZE_MAX;  // of the ports: the first one it works on
    };
    std::vector<Tile> tiles;
    std::vector<RowValues> ports;  // inputs, then outputs; where `buffers` are
    std::size_t inputs = 0;
    FiniteCheck are_finite = finite_check();
    bool rows_flagged = false;         // finite_ holds a 0
    bool has_primitives = false;       // some tile calls oneDNN
    std::vector<FloatBuffer> buffers;  // of the ports, padded_rows x row_size
    FloatBuffer arena;                 // shared by the tiles, which run one after another

    void bind(Tile& tile, std::size_t row) noexcept {
        if (tile.bound_row == row) return;
        for (std::size_t port = 0; port < ports.size(); ++port) {
            tile.program.bind(port, buffers[port].data() + row * ports[port].row_size);
        }
        tile.bound_row = row;
    }

    // Inputs and outputs of rows [row, row + rows); the inputs of the first `known` of them are.
    [[nodiscard]] bool is_finite(std::size_t row, std::size_t rows, std::size_t known) const {
        if (known == 0) return are_finite(ports, row, rows);
        const std::span<const RowValues> all(ports);
        return are_finite(all.first(inputs), row + known, rows - known) &&
               are_finite(all.subspan(inputs), row, rows);
    }
};

NetworkRunner::NetworkRunner(std::shared_ptr<const Network> network)
    : network_(std::move(network)), memory_(std::make_unique<Memory>()) {
    const CompiledNetwork& compiled = network_->compiled();
    memory_->inputs = compiled.inputs.size();
    for (const auto* ports : {&compiled.inputs, &compiled.outputs}) {
        for (const NetworkPort& port : *ports) {
            FloatBuffer& rows = memory_->buffers.emplace_back(port.row_size * compiled.padded_rows);
            memory_->ports.push_back({rows.data(), port.row_size});
        }
    }
    memory_->arena.resize(arena_bytes(compiled) / sizeof(float) + 1);
    for (const auto& [rows, program] : compiled.tiles) {
        memory_->tiles.push_back(
            {ProgramMemory(program, memory_->arena.data()), rows, program->any_rows});
        memory_->has_primitives = memory_->has_primitives || program->has_primitives;
    }
    finite_.assign(compiled.max_batch, 1);
}

NetworkRunner::~NetworkRunner() = default;
NetworkRunner::NetworkRunner(NetworkRunner&&) noexcept = default;

std::span<float> NetworkRunner::input(std::size_t port) {
    return std::span(memory_->buffers[port])
        .first(network_->max_batch() * memory_->ports[port].row_size);
}

std::span<const float> NetworkRunner::output(std::size_t port) const {
    const RowValues& rows = memory_->ports[memory_->inputs + port];
    return {rows.values, network_->max_batch() * rows.row_size};
}

// What stands here is a good part of the time that a small network's single row takes.
RunStatus NetworkRunner::run(std::size_t rows) noexcept {
    Memory& memory = *memory_;
    Expects(rows <= finite_.size());
    if (memory.has_primitives) onednn::use_one_thread();
    bool is_finite = true;
    for (std::size_t row = 0; row < rows;) {
        const bool has_choice = memory.tiles.size() > 1;
        Memory::Tile& tile =
            memory.tiles[has_choice ? network_->compiled().tiling.next(rows - row) : 0];
        memory.bind(tile, row);
        const std::size_t wanted = std::min(rows - row, tile.rows);
        if (!tile.program.run(tile.any_rows ? wanted : tile.rows)) return RunStatus::failed;
        const std::size_t known = std::min(wanted, tile.program.finite_rows());
        is_finite = memory.is_finite(row, wanted, known) && is_finite;
        row += wanted;
    }
    if (is_finite && !memory.rows_flagged) return RunStatus::ok;
    return flag_rows(rows) ? RunStatus::non_finite_rows : RunStatus::ok;
}

bool NetworkRunner::flag_rows(std::size_t rows) noexcept {
    Memory& memory = *memory_;
    std::ranges::fill(finite_, static_cast<unsigned char>(1));
    memory.rows_flagged = false;
    for (std::size_t row = 0; row < rows; ++row) {
        if (memory.is_finite(row, 1, 0)) continue;
        finite_[row] = 0;
        memory.rows_flagged = true;
    }
    return memory.rows_flagged;
}

}  // namespace tamis::engine
