// Compiled inference. A Network is immutable and shared by all workers: primitives and packed
// weights. A NetworkRunner is one worker's memory, all of it taken in the constructor; run()
// allocates nothing of ours, takes no lock and no clock.
//
// Batch invariance: the bits of a row's outputs depend on that row and the instruction set alone,
// not on how many rows the call has nor on the row's place. Kernels of our own compute a row the
// same way in any call. A network with a layer of oneDNN is cut into tiles of fixed sizes (the last
// one padded); at compile time random rows are run through every tile size at shifted places and
// only sizes that agree bit for bit are kept.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/int8_ranges.hpp"

namespace tamis::engine {

struct CompileOptions {
    std::size_t max_batch = 64;  // rows per run(), 1..65,536
    // onednn: without the engine's own kernels, the peer of benchmarks and tests.
    enum class Executors { all, onednn } executors = Executors::all;
    // Not empty: dense and convolution layers run in 8-bit integers (int8_calibration), another
    // network with other scores; never the default.
    Int8Ranges int8 = {};
};

// One input or output of a network.
struct NetworkPort {
    std::string name;
    Shape row_shape;
    std::size_t row_size = 0;  // floats per row
};

struct CompiledNetwork;  // network.cpp: what oneDNN sees

class Network {
 public:
    // Error: what check_graph refuses, weights that are not finite, memory beyond 1 GiB per runner
    // or for packed weights, or more than 2^36 multiply-adds per row.
    [[nodiscard]] static tl::expected<std::shared_ptr<const Network>, std::string> compile(
        const Graph& graph, const CompileOptions& options = {});
    explicit Network(std::unique_ptr<const CompiledNetwork> compiled);
    ~Network();
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    [[nodiscard]] std::span<const NetworkPort> inputs() const;
    [[nodiscard]] std::span<const NetworkPort> outputs() const;
    [[nodiscard]] std::size_t max_batch() const;
    [[nodiscard]] std::uint64_t multiply_adds() const;  // per row
    // Row counts of the tiles in use, ascending: which sizes proved to give the same bits.
    [[nodiscard]] std::vector<std::size_t> tile_sizes() const;
    // "jit:avx2" and the like, one line per layer of the smallest tile: for inspection.
    [[nodiscard]] std::vector<std::string> executors() const;

    [[nodiscard]] const CompiledNetwork& compiled() const { return *compiled_; }

 private:
    std::unique_ptr<const CompiledNetwork> compiled_;
};

enum class RunStatus {
    ok,
    non_finite_rows,  // at least one row has a NaN or Inf among its inputs or outputs: ask
                      // row_is_finite
    failed,  // the executor refused (out of executable memory, for one): no output is valid
};

// One per thread.
class NetworkRunner {
 public:
    explicit NetworkRunner(std::shared_ptr<const Network> network);
    ~NetworkRunner();
    NetworkRunner(NetworkRunner&&) noexcept;
    NetworkRunner& operator=(NetworkRunner&&) = delete;

    [[nodiscard]] const Network& network() const { return *network_; }
    // max_batch x row_size floats, row-major, in the order of Network::inputs(); the caller writes
    // rows here.
    [[nodiscard]] std::span<float> input(std::size_t port);
    // Scores rows [0, rows); rows <= max_batch. 0 rows do nothing. Inputs keep their values.
    RunStatus run(std::size_t rows) noexcept;
    // max_batch x row_size floats; rows of the last run are valid.
    [[nodiscard]] std::span<const float> output(std::size_t port) const;
    // False for a row whose inputs or outputs hold NaN or Inf: its outputs mean nothing (a ReLU may
    // have turned the NaN into 0). Of the last run.
    [[nodiscard]] bool row_is_finite(std::size_t row) const noexcept { return finite_[row] != 0; }

 private:
    struct Memory;
    // Looks at each of the rows; true when one is not finite.
    bool flag_rows(std::size_t rows) noexcept;
    std::shared_ptr<const Network> network_;
    std::unique_ptr<Memory> memory_;
    std::vector<unsigned char> finite_;
};

}  // namespace tamis::engine
