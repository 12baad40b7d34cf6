// One training of the VAE, batch by batch: encoder, sampling of the latent space, decoder,
// likelihoods and divergence, backward through all of it, and the prior, which is learnt too. All
// noise is a function of (seed, pass, row), so that the same calls give the same weights, bit for
// bit. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/checkpoint.hpp"
#include "engine/optimizer.hpp"
#include "engine/trainable_network.hpp"
#include "models/distance_correlation.hpp"
#include "models/feature_table.hpp"
#include "models/vae/feature_scaling.hpp"
#include "models/vae/vae_evaluator.hpp"
#include "models/vae/vae_network.hpp"

namespace tamis::models::vae {

struct VaeTrainingOptions {
    VaeShape shape = {};
    std::uint64_t seed = 1;
    double beta = 0.3;  // weight of the divergence in the loss
    DivergenceForm divergence = DivergenceForm::exact;
    std::size_t mini_batch = 250;
    float learning_rate = 1e-3F;
    float max_norm = 1000;  // of a unit's weights in Encoder_h2 and Decoder_h1, as published
    DecorrelationPenalty decorrelation =
        {};  // of the nll; a batch is then kDecorrelationBatch rows
};

// A finished state of the training.
struct VaeWeights {
    engine::Graph scoring_graph;  // raw features to raw parameters, z = mu
    VaeParameters parameters;
};

class VaeTraining {
 public:
    using Network = std::unique_ptr<engine::TrainableNetwork>;

    // `table`: the 21 features, finite; used for the scalings and by the passes below; must outlive
    // the training. Error: the engine refuses the network.
    [[nodiscard]] static tl::expected<std::unique_ptr<VaeTraining>, std::string> create(
        const VaeTrainingOptions& options, const FeatureTable& table);
    // From networks that fit the options; create() makes them.
    VaeTraining(const VaeTrainingOptions& options, const FeatureTable& table, Network encoder,
                Network decoder);

    // One step of the optimiser on those rows of the table (at most mini_batch). Returns the
    // batch's mean loss. Error: a loss or weight that is not finite, naming where, or an engine
    // failure.
    [[nodiscard]] tl::expected<double, std::string> train_batch(std::span<const std::size_t> rows,
                                                                std::uint64_t pass);
    // Mean loss of any number of rows, with sampled z; changes nothing.
    [[nodiscard]] tl::expected<double, std::string> mean_loss(std::span<const std::size_t> rows,
                                                              std::uint64_t pass);

    [[nodiscard]] float learning_rate() const { return optimizer_.learning_rate(); }
    void set_learning_rate(float rate) { optimizer_.set_learning_rate(rate); }
    [[nodiscard]] VaeWeights weights() const;

    // All that the next step depends on but options and table.
    void save_into(engine::Checkpoint& checkpoint) const;
    // Before the first step.
    void restore_from(engine::CheckpointReader& checkpoint);

 private:
    // Sum of the losses of the batch's rows; with gradients also all output gradients but the
    // encoder's, which need the decoder's backward pass.
    enum class Wanted : std::uint8_t { loss, gradients };
    [[nodiscard]] tl::expected<double, std::string> forward(std::span<const std::size_t> rows,
                                                            std::uint64_t pass, Wanted wanted);
    // weight / rows and what the penalty adds to it: the factor of each row's nll in the gradient.
    [[nodiscard]] double weigh_rows(std::span<const std::size_t> rows);
    void sample_latent(std::span<const std::size_t> rows, std::uint64_t pass);
    [[nodiscard]] double row_loss(std::size_t batch_row, std::span<const float> x, Wanted wanted,
                                  double weight);
    [[nodiscard]] double row_divergence(std::size_t batch_row) const;
    [[nodiscard]] bool backward(std::size_t rows);
    void add_divergence_gradients(std::size_t batch_row, double weight);
    [[nodiscard]] double prior_sigma(std::size_t dimension) const;

    VaeTrainingOptions options_;
    const FeatureTable* table_;
    ColumnScaling inputs_;
    HeadScaling heads_;
    Network encoder_, decoder_;
    std::size_t latent_;
    std::vector<float> noise_;  // mini_batch x latent
    DistanceCorrelation correlation_;
    std::vector<double> row_losses_, row_weights_;  // of the batch
    std::vector<float> row_others_;                 // what the nll is to be independent of
    std::vector<float> prior_, prior_gradient_;     // latent means, then latent raw sigmas
    std::vector<engine::TrainableParameter> parameters_;
    engine::Optimizer optimizer_;
};

}  // namespace tamis::models::vae
