#include "models/vae/vae_evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <utility>

namespace tamis::models::vae {

VaeEvaluator::VaeEvaluator(const VaeParameters& parameters,
                           std::shared_ptr<const engine::DoubleNetwork> network,
                           std::size_t capacity)
    : parameters_(&parameters),
      runner_(std::move(network), capacity),
      scores_(capacity),
      finite_(capacity) {
    Expects(runner_.network().outputs().size() == 5);
    Expects(runner_.network().outputs()[0].row_size == parameters.prior_mean.size());
}

std::span<float> VaeEvaluator::row(std::size_t index) noexcept { return runner_.input(index); }

void VaeEvaluator::score(std::size_t rows) noexcept {
    Expects(rows <= capacity());
    runner_.run(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        finite_[i] = 0;
        if (runner_.row_is_finite(i)) {
            score_row(i);
        }
    }
}

void VaeEvaluator::score_row(std::size_t index) noexcept {
    VaeScore& score = scores_[index];
    const std::span<const double> mu = runner_.output(0, index);
    const std::span<const double> sigma_raw = runner_.output(1, index);
    const DecoderRow<double> decoded{runner_.output(2, index), runner_.output(3, index),
                                     runner_.output(4, index)};
    score.nll = reconstruction_loss(row(index), decoded, score.terms);
    score.kl = 0;
    score.mu2 = 0;
    for (std::size_t j = 0; j < mu.size(); ++j) {
        const double mean = mu[j];
        score.kl += divergence_term(mean, pisrlu(sigma_raw[j]), parameters_->prior_mean[j],
                                    parameters_->prior_sigma[j], parameters_->divergence)
                        .value;
        score.mu2 += mean * mean;
    }
    score.total = score.nll + parameters_->beta * score.kl;
    // The narrowest type that leaves this room is float.
    finite_[index] = std::isfinite(static_cast<float>(score.total)) &&
                             std::isfinite(static_cast<float>(score.nll)) &&
                             std::isfinite(static_cast<float>(score.mu2))
                         ? 1
                         : 0;
}

bool VaeEvaluator::answer(std::size_t index, float& score,
                          std::span<float, kTerms> terms) const noexcept {
    score = static_cast<float>(scores_[index].nll);
    std::ranges::copy(scores_[index].terms, terms.begin());
    return is_finite(index);
}

}  // namespace tamis::models::vae
