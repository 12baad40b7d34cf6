// The engine's side of the training bench.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "bench/training_jobs.hpp"
#include "engine/graph_builder.hpp"
#include "engine/loss.hpp"
#include "engine/optimizer.hpp"
#include "engine/random_normals.hpp"
#include "engine/trainable_network.hpp"

namespace tamis::bench {

namespace {

using engine::GraphBuilder;
using engine::GraphValue;
using Network = std::unique_ptr<engine::TrainableNetwork>;

Network trainable(const engine::Graph& graph, const engine::TrainingOptions& options) {
    auto network = engine::TrainableNetwork::create(graph, options);
    if (!network) throw std::runtime_error(network.error());
    return std::move(*network);
}

engine::Graph mlp(const std::string& name, const std::vector<std::int64_t>& sizes) {
    GraphBuilder net(name, 1);
    GraphValue x = net.input("x", {sizes[0]});
    for (std::size_t i = 1; i < sizes.size(); ++i) {
        x = net.dense(x, sizes[i], name + std::to_string(i));
        if (i + 1 < sizes.size()) x = net.relu(x);
    }
    net.output(x, "y");
    return net.build();
}

class EngineVae final : public TrainingPeer {
 public:
    EngineVae(const VaeJob& job, std::size_t mini_batch)
        : job_(job),
          rows_(mini_batch),
          encoder_(trainable(mlp("encoder", {job.features, job.hidden, job.hidden, 2 * job.latent}),
                             {.mini_batch = mini_batch})),
          decoder_(trainable(mlp("decoder", {job.latent, job.hidden, job.hidden, job.features}),
                             {.mini_batch = mini_batch, .input_gradients = true})),
          noise_(mini_batch * static_cast<std::size_t>(job.latent)),
          sigma_(noise_.size()),
          adam_({.learning_rate = kLearningRate}) {
        parameters_.assign(encoder_->parameters().begin(), encoder_->parameters().end());
        parameters_.insert(parameters_.end(), decoder_->parameters().begin(),
                           decoder_->parameters().end());
    }

    double step(const TrainingBatch& batch) override {
        std::ranges::copy(batch.rows, encoder_->input(0).begin());
        bool done = encoder_->forward(rows_);
        sample();
        done = decoder_->forward(rows_) && done;
        double loss = squared_error(batch.rows);
        done = decoder_->backward() && done;
        loss += divergence();
        done = encoder_->backward() && done;
        if (!done) throw std::runtime_error("the engine could not execute a step");
        adam_.step(parameters_);
        ++steps_;
        return loss;
    }

 private:
    // Calls back with mean, log variance and the row's place, for each latent value.
    template <class Act>
    void for_each_latent(const Act& act) const {
        const auto latent = static_cast<std::size_t>(job_.latent);
        for (std::size_t row = 0; row < rows_; ++row) {
            for (std::size_t j = 0; j < latent; ++j) {
                const std::size_t mean = row * 2 * latent + j;
                act(mean, mean + latent, row * latent + j);
            }
        }
    }

    void sample() {
        const auto output = encoder_->output(0);
        const auto z = decoder_->input(0);
        engine::random_normals(7, steps_, 0, noise_);
        for_each_latent([&](std::size_t mean, std::size_t log_variance, std::size_t at) {
            sigma_[at] = std::exp(0.5F * output[log_variance]);
            z[at] = output[mean] + sigma_[at] * noise_[at];
        });
    }

    // Sum over the features, mean over the rows.
    double squared_error(std::span<const float> x) {
        const auto output = decoder_->output(0);
        const auto gradient = decoder_->output_gradient(0);
        const float scale = 2.F / static_cast<float>(rows_);
        for (std::size_t i = 0; i < x.size(); ++i) gradient[i] = scale * (output[i] - x[i]);
        // Several sums at a time: one would wait for itself.
        std::array<float, 16> sums{};
        const std::size_t even = x.size() - x.size() % sums.size();
        for (std::size_t i = 0; i < even; i += sums.size()) {
            for (std::size_t j = 0; j < sums.size(); ++j) {
                sums[j] += gradient[i + j] * (output[i + j] - x[i + j]);
            }
        }
        for (std::size_t i = even; i < x.size(); ++i) sums[0] += gradient[i] * (output[i] - x[i]);
        return 0.5 * std::accumulate(sums.begin(), sums.end(), 0.0);
    }

    // Of the encoder's output: what comes through z, and the divergence.
    double divergence() {
        const auto output = encoder_->output(0);
        const auto gradient = encoder_->output_gradient(0);
        const auto by_z = decoder_->input_gradient(0);
        const float scale = job_.beta / static_cast<float>(rows_);
        float sum = 0.F;
        for_each_latent([&](std::size_t mean, std::size_t log_variance, std::size_t at) {
            const float variance = sigma_[at] * sigma_[at];
            sum += 0.5F * (variance + output[mean] * output[mean] - 1.F - output[log_variance]);
            gradient[mean] = scale * output[mean] + by_z[at];
            gradient[log_variance] =
                scale * 0.5F * (variance - 1.F) + by_z[at] * noise_[at] * 0.5F * sigma_[at];
        });
        return sum * scale;
    }

    VaeJob job_;
    std::size_t rows_;
    Network encoder_, decoder_;
    std::vector<float> noise_, sigma_;  // of each latent value
    std::vector<engine::TrainableParameter> parameters_;
    engine::Optimizer adam_;
    std::uint64_t steps_ = 0;
};

engine::Graph seed_filter(const SeedFilterJob& job) {
    GraphBuilder net("seed_filter", 1);
    GraphValue x = net.input("hit", {kChannels, kSide, kSide});
    const GraphValue info = net.input("info", {kExpertFeatures});
    int number = 0;
    for (const auto& group : job.filters) {
        for (const std::int64_t filters : group) {
            x = net.relu(
                net.convolution(x, filters, "conv" + std::to_string(++number), {.kernel = {3, 3}}));
        }
        x = net.max_pool(x, {.kernel = {2, 2}});
    }
    x = net.concat({net.flatten(x), info});
    x = net.relu(net.dense(x, 128, "dense1"));
    x = net.relu(net.dense(x, 64, "dense2"));
    net.output(net.dense(x, 2, "dense3"), "logits");
    return net.build();
}

class EngineSeedFilter final : public TrainingPeer {
 public:
    EngineSeedFilter(const SeedFilterJob& job, std::size_t mini_batch)
        : rows_(mini_batch),
          network_(trainable(seed_filter(job), {.mini_batch = mini_batch})),
          adam_({.learning_rate = kLearningRate}) {}

    double step(const TrainingBatch& batch) override {
        std::ranges::copy(batch.rows, network_->input(0).begin());
        std::ranges::copy(batch.features, network_->input(1).begin());
        bool done = network_->forward(rows_);
        const double loss = loss_.evaluate({network_->output(0), batch.labels, {}, rows_, 2},
                                           network_->output_gradient(0));
        done = network_->backward() && done;
        if (!done) throw std::runtime_error("the engine could not execute a step");
        adam_.step(network_->parameters());
        return loss;
    }

 private:
    std::size_t rows_;
    Network network_;
    engine::CategoricalCrossEntropyWithLogits loss_;
    engine::Optimizer adam_;
};

}  // namespace

std::unique_ptr<TrainingPeer> engine_peer(const VaeJob& job, std::size_t mini_batch) {
    return std::make_unique<EngineVae>(job, mini_batch);
}

std::unique_ptr<TrainingPeer> engine_peer(const SeedFilterJob& job, std::size_t mini_batch) {
    return std::make_unique<EngineSeedFilter>(job, mini_batch);
}

}  // namespace tamis::bench
