#include "engine/loss.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>

namespace tamis::engine {

namespace {

void check(const LossBatch& batch, std::span<float> gradient, std::size_t target_width) {
    Expects(batch.rows > 0 && batch.width > 0);
    Expects(batch.output.size() >= batch.rows * batch.width);
    Expects(batch.target.size() >= batch.rows * target_width);
    Expects(batch.weight.empty() || batch.weight.size() >= batch.rows);
    Expects(gradient.size() >= batch.rows * batch.width);
}

double weight_of(const LossBatch& batch, std::size_t row) {
    return batch.weight.empty() ? 1.0 : static_cast<double>(batch.weight[row]);
}

// The first target that the test refuses, by row.
template <class Test>
tl::expected<void, std::string> check_each(std::span<const float> targets, std::size_t per_row,
                                           const std::string& right, const Test& is_right) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
        if (!is_right(targets[i])) {
            return tl::unexpected("target of row " + std::to_string(i / per_row) + " is " +
                                  std::to_string(targets[i]) + " (no meaning); right " + right);
        }
    }
    return {};
}

// Sum of squared differences; a gradient is the factor times a difference. In sums side by side:
// one would wait for itself.
double squares_and_gradient(const float* output, const float* target, double factor,
                            std::span<float> gradient) {
    std::array<double, 4> sums{};
    const auto add = [&](std::size_t i, std::size_t sum) {
        const double difference = static_cast<double>(output[i]) - target[i];
        sums[sum] += difference * difference;
        gradient[i] = static_cast<float>(factor * difference);
    };
    std::size_t i = 0;
    for (; i + sums.size() <= gradient.size(); i += sums.size()) {
        for (std::size_t sum = 0; sum < sums.size(); ++sum) add(i + sum, sum);
    }
    for (; i < gradient.size(); ++i) add(i, 0);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

tl::expected<void, std::string> Loss::check_targets(std::span<const float>, std::size_t) const {
    return {};
}

double MeanSquaredError::evaluate(const LossBatch& batch, std::span<float> gradient) const {
    check(batch, gradient, batch.width);
    const double scale = 1.0 / static_cast<double>(batch.rows * batch.width);
    double loss = 0.0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const double weight = weight_of(batch, row) * scale;
        const std::size_t first = row * batch.width;
        loss +=
            weight * squares_and_gradient(batch.output.data() + first, batch.target.data() + first,
                                          2.0 * weight, gradient.subspan(first, batch.width));
    }
    return loss;
}

double BinaryCrossEntropyWithLogits::evaluate(const LossBatch& batch,
                                              std::span<float> gradient) const {
    check(batch, gradient, batch.width);
    const double scale = 1.0 / static_cast<double>(batch.rows * batch.width);
    double loss = 0.0;
    for (std::size_t i = 0; i < batch.rows * batch.width; ++i) {
        const double weight = weight_of(batch, i / batch.width) * scale;
        const double z = batch.output[i];
        const double t = batch.target[i];
        // ln(1 + e^-|z|) keeps both logarithms finite for any z.
        const double tail = std::log1p(std::exp(-std::abs(z)));
        const double minus_log_p = std::max(-z, 0.0) + tail;
        const double minus_log_q = std::max(z, 0.0) + tail;
        const double p = 1.0 / (1.0 + std::exp(-z));
        loss += weight * (positive_weight_ * t * minus_log_p + (1.0 - t) * minus_log_q);
        gradient[i] =
            static_cast<float>(weight * ((1.0 - t) * p - positive_weight_ * t * (1.0 - p)));
    }
    return loss;
}

tl::expected<void, std::string> BinaryCrossEntropyWithLogits::check_targets(
    std::span<const float> targets, std::size_t width) const {
    return check_each(targets, width, "is 0 to 1",
                      [](float target) { return target >= 0.F && target <= 1.F; });
}

tl::expected<void, std::string> CategoricalCrossEntropyWithLogits::check_targets(
    std::span<const float> targets, std::size_t width) const {
    if (!class_weights_.empty() && class_weights_.size() != width) {
        return tl::unexpected(std::to_string(class_weights_.size()) +
                              " class weights (wrong number); right is one for each of the " +
                              std::to_string(width) + " outputs");
    }
    return check_each(targets, 1, "are whole numbers from 0 to " + std::to_string(width - 1),
                      [width](float target) {
                          return target >= 0.F && target < static_cast<float>(width) &&
                                 target == std::floor(target);
                      });
}

double CategoricalCrossEntropyWithLogits::evaluate(const LossBatch& batch,
                                                   std::span<float> gradient) const {
    check(batch, gradient, 1);
    Expects(class_weights_.empty() || class_weights_.size() == batch.width);
    double loss = 0.0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const auto logits = batch.output.subspan(row * batch.width, batch.width);
        const auto truth = static_cast<std::size_t>(batch.target[row]);
        Expects(truth < batch.width);
        const double weight = weight_of(batch, row) / static_cast<double>(batch.rows) *
                              (class_weights_.empty() ? 1.0 : class_weights_[truth]);
        const double largest = *std::max_element(logits.begin(), logits.end());
        double sum = 0.0;
        for (const float logit : logits) sum += std::exp(logit - largest);
        const double log_sum = largest + std::log(sum);
        loss += weight * (log_sum - logits[truth]);
        for (std::size_t k = 0; k < batch.width; ++k) {
            const double probability = std::exp(logits[k] - log_sum);
            gradient[row * batch.width + k] =
                static_cast<float>(weight * (probability - (k == truth ? 1.0 : 0.0)));
        }
    }
    return loss;
}

}  // namespace tamis::engine
