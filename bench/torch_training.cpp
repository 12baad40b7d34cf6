// libtorch's side of the training bench: its own modules and its own Adam, one thread.
#include <torch/torch.h>

#include "bench/training_jobs.hpp"

namespace tamis::bench {

namespace {

torch::Tensor view_of(std::span<const float> values, at::IntArrayRef shape) {
    // from_blob wants a pointer it could write to; it does not.
    return torch::from_blob(const_cast<float*>(values.data()), shape);  // NOLINT
}

torch::nn::Sequential mlp(const std::vector<std::int64_t>& sizes) {
    torch::nn::Sequential net;
    for (std::size_t i = 1; i < sizes.size(); ++i) {
        net->push_back(torch::nn::Linear(sizes[i - 1], sizes[i]));
        if (i + 1 < sizes.size()) net->push_back(torch::nn::ReLU());
    }
    return net;
}

std::vector<torch::Tensor> joined(std::vector<torch::Tensor> a,
                                  const std::vector<torch::Tensor>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

class TorchVae final : public TrainingPeer {
 public:
    TorchVae(const VaeJob& job, std::size_t mini_batch)
        : job_(job),
          rows_(static_cast<std::int64_t>(mini_batch)),
          encoder_(mlp({job.features, job.hidden, job.hidden, 2 * job.latent})),
          decoder_(mlp({job.latent, job.hidden, job.hidden, job.features})),
          adam_(joined(encoder_->parameters(), decoder_->parameters()), kLearningRate) {}

    double step(const TrainingBatch& batch) override {
        const torch::Tensor x = view_of(batch.rows, {rows_, job_.features});
        adam_.zero_grad();
        const auto heads = encoder_->forward(x).chunk(2, 1);
        const torch::Tensor& mean = heads[0];
        const torch::Tensor& log_variance = heads[1];
        const torch::Tensor z = mean + torch::exp(0.5 * log_variance) * torch::randn_like(mean);
        const torch::Tensor squares = (decoder_->forward(z) - x).square().sum();
        const torch::Tensor divergence =
            0.5 * (log_variance.exp() + mean.square() - 1.0 - log_variance).sum();
        torch::Tensor loss = (squares + job_.beta * divergence) / static_cast<double>(rows_);
        loss.backward();
        adam_.step();
        return loss.item<double>();
    }

 private:
    VaeJob job_;
    std::int64_t rows_;
    torch::nn::Sequential encoder_, decoder_;
    torch::optim::Adam adam_;
};

torch::nn::Sequential convolutions(const SeedFilterJob& job) {
    torch::nn::Sequential net;
    std::int64_t channels = kChannels;
    for (const auto& group : job.filters) {
        for (const std::int64_t filters : group) {
            net->push_back(
                torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, filters, 3).padding(1)));
            net->push_back(torch::nn::ReLU());
            channels = filters;
        }
        net->push_back(torch::nn::MaxPool2d(2));
    }
    net->push_back(torch::nn::Flatten());
    return net;
}

class TorchSeedFilter final : public TrainingPeer {
 public:
    TorchSeedFilter(const SeedFilterJob& job, std::size_t mini_batch)
        : rows_(static_cast<std::int64_t>(mini_batch)),
          image_(convolutions(job)),
          head_(mlp({flat_size(job) + kExpertFeatures, 128, 64, 2})),
          adam_(joined(image_->parameters(), head_->parameters()), kLearningRate) {}

    double step(const TrainingBatch& batch) override {
        const torch::Tensor image = view_of(batch.rows, {rows_, kChannels, kSide, kSide});
        const torch::Tensor features = view_of(batch.features, {rows_, kExpertFeatures});
        const torch::Tensor labels = view_of(batch.labels, {rows_}).to(torch::kLong);
        adam_.zero_grad();
        const torch::Tensor row = torch::cat({image_->forward(image), features}, 1);
        torch::Tensor loss = torch::nn::functional::cross_entropy(head_->forward(row), labels);
        loss.backward();
        adam_.step();
        return loss.item<double>();
    }

 private:
    static std::int64_t flat_size(const SeedFilterJob& job) {
        const auto halvings = static_cast<std::int64_t>(job.filters.size());
        const std::int64_t side = kSide >> halvings;
        return job.filters.back().back() * side * side;
    }

    std::int64_t rows_;
    torch::nn::Sequential image_, head_;
    torch::optim::Adam adam_;
};

void use_one_thread() {
    static const bool done = [] {
        torch::set_num_threads(1);
        torch::manual_seed(1);
        return true;
    }();
    (void)done;
}

}  // namespace

std::unique_ptr<TrainingPeer> torch_peer(const VaeJob& job, std::size_t mini_batch) {
    use_one_thread();
    return std::make_unique<TorchVae>(job, mini_batch);
}

std::unique_ptr<TrainingPeer> torch_peer(const SeedFilterJob& job, std::size_t mini_batch) {
    use_one_thread();
    return std::make_unique<TorchSeedFilter>(job, mini_batch);
}

}  // namespace tamis::bench
