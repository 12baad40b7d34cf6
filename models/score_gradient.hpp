// The derivative of a score by the values of its input row, for models of kind "onnx": the
// network's backward pass, the chain rule through the reduction before it and the normalisation
// behind it. One thread; all memory is taken in create(). Cold path.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/trainable_network.hpp"
#include "models/manifest.hpp"
#include "models/score_reduction.hpp"

namespace tamis::models {

class ScoreGradient {
 public:
    // Of `batch` rows a pass. The manifest and the network are those of a model that
    // load_network_model accepts. Error: another kind, 8-bit integers, a layer without derivative.
    [[nodiscard]] static tl::expected<ScoreGradient, std::string> create(
        const Manifest& manifest, const engine::Graph& network, std::size_t batch);

    [[nodiscard]] std::size_t batch() const noexcept { return network_->mini_batch(); }
    [[nodiscard]] std::size_t row_size() const noexcept { return row_size_; }

    // `rows`: values as in the model's table form, at most batch() rows of them; `gradients` is as
    // long. False: the engine failed.
    [[nodiscard]] bool differentiate(std::span<const double> rows, std::span<double> gradients);

 private:
    ScoreGradient(const Manifest& manifest, std::unique_ptr<engine::TrainableNetwork> network);
    void write_row(std::size_t index, std::span<const double> values);
    void write_output_gradient(std::size_t index);
    void read_gradient(std::size_t index, std::span<double> gradient) const;

    std::unique_ptr<engine::TrainableNetwork> network_;
    std::vector<FeatureSpec> features_;
    ScoreReduction reduction_;
    std::size_t row_size_ = 0;
    std::vector<float> rows_;    // batch x row_size, normalised
    std::vector<float> direct_;  // likewise: derivatives that do not go through the network
};

}  // namespace tamis::models
