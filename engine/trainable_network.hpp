// Training of a graph on the layers inference uses: forward, then backward from gradients of the
// outputs to gradients of all weights and, where asked for, of the inputs. One thread at a time;
// all memory is taken in create(). Two networks may be trained together: copy one's output rows
// into the other's input, and its input_gradient back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/checkpoint.hpp"
#include "engine/graph.hpp"
#include "engine/network.hpp"
#include "engine/optimizer.hpp"

namespace tamis::engine {

struct TrainingOptions {
    std::size_t mini_batch = 128;  // rows per forward(), 1..65,536
    bool input_gradients = false;  // also compute input_gradient()
    std::uint64_t dropout_seed = 0;
};

enum class ForwardMode {
    training,    // batch statistics (and their running means are updated), dropout active
    evaluation,  // running statistics, no dropout: what inference computes
};

struct TrainingProgram;  // trainable_network.cpp: what oneDNN sees

class TrainableNetwork {
 public:
    // Error: as Network::compile.
    [[nodiscard]] static tl::expected<std::unique_ptr<TrainableNetwork>, std::string> create(
        const Graph& graph, const TrainingOptions& options = {});
    explicit TrainableNetwork(std::unique_ptr<TrainingProgram> program);
    ~TrainableNetwork();
    TrainableNetwork(const TrainableNetwork&) = delete;
    TrainableNetwork& operator=(const TrainableNetwork&) = delete;

    [[nodiscard]] std::size_t mini_batch() const;
    [[nodiscard]] std::span<const NetworkPort> inputs() const;
    [[nodiscard]] std::span<const NetworkPort> outputs() const;

    // mini_batch x row_size floats, row-major.
    [[nodiscard]] std::span<float> input(std::size_t port);
    // Rows [rows, mini_batch) are set to zero first; with BatchNormalization in training mode give
    // full batches, for the statistics are of all rows. False: oneDNN failed to execute.
    [[nodiscard]] bool forward(std::size_t rows, ForwardMode mode = ForwardMode::training);
    [[nodiscard]] std::span<const float> output(std::size_t port) const;
    // Of the loss by the output: written by the caller between forward and backward. mini_batch x
    // row_size.
    [[nodiscard]] std::span<float> output_gradient(std::size_t port);
    // After a forward in training mode; gradients beyond that call's rows are set to zero first.
    // Overwrites all parameter gradients. False: oneDNN failed to execute.
    [[nodiscard]] bool backward();
    // Only with TrainingOptions::input_gradients.
    [[nodiscard]] std::span<const float> input_gradient(std::size_t port) const;

    // Weights that are learned (running statistics are not), in order of name. The spans live as
    // long as the network; an optimizer changes values, the next forward uses them.
    [[nodiscard]] std::span<const TrainableParameter> parameters() const;

    // The graph with the present weights.
    [[nodiscard]] Graph to_graph() const;
    // Takes over the weights of a graph of to_graph(), running statistics included.
    void set_weights(const Graph& graph);
    // Weights, running statistics and where dropout stands, under `prefix`.
    void save_into(Checkpoint& checkpoint, const std::string& prefix) const;
    void restore_from(CheckpointReader& checkpoint, const std::string& prefix);
    // True where the mean over the batch takes part: such a network is trained on full batches.
    [[nodiscard]] bool uses_batch_statistics() const;
    // Name of the first layer whose outputs, or weight whose values or gradients, hold NaN or Inf;
    // empty when none does.
    [[nodiscard]] std::string first_non_finite() const;

 private:
    std::unique_ptr<TrainingProgram> program_;
};

}  // namespace tamis::engine
