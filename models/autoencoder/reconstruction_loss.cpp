#include "models/autoencoder/reconstruction_loss.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <vector>

#include "models/distance_correlation.hpp"
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

double DecorrelatedReconstructionLoss::evaluate(const engine::LossBatch& batch,
                                                std::span<float> gradient) const {
    Expects(batch.rows > 0);
    const std::size_t width = batch.width;
    const auto rows = static_cast<double>(batch.rows);
    std::vector<double> errors(batch.rows);
    std::vector<double> compressed(batch.rows);
    std::vector<double> slopes(batch.rows);
    std::vector<float> others(batch.rows);
    double loss = 0;
    const auto weight_of = [&](std::size_t row) {
        return batch.weight.empty() ? 1.0 : double{batch.weight[row]};
    };
    const auto difference = [&](std::size_t row, std::size_t i) {
        return double{batch.output[row * width + i]} - batch.target[row * (width + 1) + i];
    };
    for (std::size_t row = 0; row < batch.rows; ++row) {
        for (std::size_t i = 0; i < width; ++i) {
            errors[row] += difference(row, i) * difference(row, i) / static_cast<double>(width);
        }
        loss += weight_of(row) * errors[row] / rows;
        compressed[row] = std::asinh(errors[row]);
        others[row] = batch.target[row * (width + 1) + width];
    }
    if (!std::isfinite(loss)) {
        return loss;  // the trainer stops here
    }
    loss += weight_ * DistanceCorrelation(batch.rows).evaluate(compressed, others, slopes);
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const double weight =
            weight_of(row) / rows + weight_ * slopes[row] / std::hypot(1, errors[row]);
        for (std::size_t i = 0; i < width; ++i) {
            gradient[row * width + i] =
                static_cast<float>(weight * 2 * difference(row, i) / static_cast<double>(width));
        }
    }
    return loss;
}

}  // namespace tamis::models
