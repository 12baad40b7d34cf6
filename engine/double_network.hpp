// Compiled inference in double precision, for scores whose formulas amplify the last digit of what
// the network says: dense layers and activations only, from the same float weights. A DoubleNetwork
// is immutable and shared; a DoubleRunner is one thread's memory, all of it taken in the
// constructor. The bits of a row's outputs depend on that row and the instruction set alone.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/double_kernels.hpp"
#include "engine/graph.hpp"
#include "engine/layer_plan.hpp"
#include "engine/network.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

class DoubleNetwork {
 public:
    // Error: what Network refuses of a graph; several inputs; a row that is no vector or has more
    // than 65,536 values in all layers together; a layer that is not dense with at most an
    // activation behind it.
    [[nodiscard]] static tl::expected<std::shared_ptr<const DoubleNetwork>, std::string> compile(
        const Graph& graph);

    [[nodiscard]] const NetworkPort& input() const { return input_; }
    [[nodiscard]] std::span<const NetworkPort> outputs() const { return outputs_; }
    [[nodiscard]] const char* instruction_set() const { return kernels_.instruction_set; }

 private:
    friend class DoubleRunner;
    friend class DoubleNetworkMaker;

    // Dense layers of the same input and activation are one, side by side.
    struct Layer {
        std::size_t first_input = 0;  // columns of a row of values
        std::size_t input_count = 0;
        std::size_t first_result = 0;
        std::size_t units = 0;       // without padding
        std::size_t weights_at = 0;  // in weights_
        std::optional<Activation> activation;
    };

    DoubleNetwork() = default;

    const DoubleKernels& kernels_ = double_kernels();
    NetworkPort input_;
    std::vector<NetworkPort> outputs_;
    std::vector<std::size_t> output_columns_;
    std::vector<Layer> layers_;
    FloatBuffer weights_;
    std::size_t row_values_ = 0;  // of all layers: the input first; padded
};

// One per thread.
class DoubleRunner {
 public:
    DoubleRunner(std::shared_ptr<const DoubleNetwork> network, std::size_t max_rows);

    [[nodiscard]] const DoubleNetwork& network() const { return *network_; }
    [[nodiscard]] std::size_t max_rows() const { return max_rows_; }
    // Where row `row` is to be written before run(); it keeps its values.
    [[nodiscard]] std::span<float> input(std::size_t row) noexcept;
    // Rows [0, rows); rows <= max_rows().
    void run(std::size_t rows) noexcept;
    // Of the last run.
    [[nodiscard]] std::span<const double> output(std::size_t port, std::size_t row) const noexcept;
    // False where the row's input or any value computed from it is NaN or Inf: its outputs mean
    // nothing.
    [[nodiscard]] bool row_is_finite(std::size_t row) const noexcept;

 private:
    void run_layer(const DoubleNetwork::Layer& layer, std::size_t first, std::size_t rows) noexcept;

    std::shared_ptr<const DoubleNetwork> network_;
    std::size_t max_rows_;
    std::vector<float> inputs_;
    std::vector<double, AlignedAllocator<double>> values_;  // row after row, all layers
};

}  // namespace tamis::engine
