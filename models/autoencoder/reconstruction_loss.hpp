// The loss of a variational autoencoder with normal latent variables and normal errors. Stateless;
// any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/loss.hpp"

namespace tamis::models {

// Of an output [reconstruction (columns), mean (latent), width (latent)] and a target of the
// columns: mean over the columns of (reconstruction - target)^2, plus `weight` / columns times the
// divergence of normal(mean, width) from normal(0, 1). Widths are above 0.
class GaussianReconstructionLoss final : public engine::Loss {
 public:
    GaussianReconstructionLoss(std::size_t columns, std::size_t latent, double weight)
        : columns_(columns), latent_(latent), weight_(weight) {}
    [[nodiscard]] double evaluate(const engine::LossBatch& batch,
                                  std::span<float> gradient) const override;
    [[nodiscard]] std::size_t target_width(std::size_t /*width*/) const override {
        return columns_;
    }
    [[nodiscard]] std::string name() const override { return "reconstruction and divergence"; }

 private:
    [[nodiscard]] double evaluate_row(std::span<const float> output, std::span<const float> target,
                                      double row_weight, std::span<float> gradient) const;

    std::size_t columns_, latent_;
    double weight_;
};

// Mean over the columns of (output - target)^2 as for any autoencoder, plus `weight` times the
// squared distance correlation, within the batch, of asinh of that error and the last value of each
// target row, which is no column; weights of rows act on the error alone.
class DecorrelatedReconstructionLoss final : public engine::Loss {
 public:
    explicit DecorrelatedReconstructionLoss(double weight) : weight_(weight) {}
    [[nodiscard]] double evaluate(const engine::LossBatch& batch,
                                  std::span<float> gradient) const override;
    [[nodiscard]] std::size_t target_width(std::size_t width) const override { return width + 1; }
    [[nodiscard]] std::string name() const override {
        return "squared error and distance correlation";
    }

 private:
    double weight_;
};

}  // namespace tamis::models
