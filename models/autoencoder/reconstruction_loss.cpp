#include "models/autoencoder/reconstruction_loss.hpp"

#include <algorithm>
#include <gsl/assert>

#include "models/vae/likelihoods.hpp"

namespace tamis::models {
namespace {

// A sigmoid rounds to 0 far out; its logarithm must stay finite.
constexpr double kLeastWidth = 1e-6;

}  // namespace

double GaussianReconstructionLoss::evaluate_row(std::span<const float> output,
                                                std::span<const float> target, double row_weight,
                                                std::span<float> gradient) const {
    const auto columns = static_cast<double>(columns_);
    double loss = 0;
    for (std::size_t i = 0; i < columns_; ++i) {
        const double difference = double{output[i]} - target[i];
        loss += difference * difference / columns;
        gradient[i] = static_cast<float>(row_weight * 2 * difference / columns);
    }
    for (std::size_t j = 0; j < latent_; ++j) {
        const std::size_t mean = columns_ + j;
        const std::size_t width = mean + latent_;
        const vae::DivergenceTerm term =
            vae::divergence_term(output[mean], std::max(kLeastWidth, double{output[width]}), 0, 1,
                                 vae::DivergenceForm::exact);
        loss += weight_ / columns * term.value;
        gradient[mean] = static_cast<float>(row_weight * weight_ / columns * term.d_mu);
        gradient[width] = static_cast<float>(row_weight * weight_ / columns * term.d_sigma);
    }
    return row_weight * loss;
}

double GaussianReconstructionLoss::evaluate(const engine::LossBatch& batch,
                                            std::span<float> gradient) const {
    Expects(batch.width == columns_ + 2 * latent_);
    double sum = 0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const double weight = (batch.weight.empty() ? 1.0 : double{batch.weight[row]}) /
                              static_cast<double>(batch.rows);
        sum += evaluate_row(batch.output.subspan(row * batch.width, batch.width),
                            batch.target.subspan(row * columns_, columns_), weight,
                            gradient.subspan(row * batch.width, batch.width));
    }
    return sum;
}

}  // namespace tamis::models
