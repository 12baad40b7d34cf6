// Which inputs a score comes from, as one share an input (Sundararajan, Taly and Yan, ICML 2017).
// Shares are in units of the score; what is missing for their sum to be score(row) -
// score(baseline) is the completeness error. Plain functions; cold path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "models/model.hpp"
#include "models/score_gradient.hpp"

namespace tamis::models {

enum class AttributionMethod : std::uint8_t {
    // (x - baseline) times the gradient at x: exact for linear scores, one backward pass.
    gradient_x_input,
    // (x - baseline) times the mean gradient on the straight line between them, by the midpoint
    // rule: the error falls with the square of the steps where the score is smooth, else with
    // their number.
    integrated_gradients,
    // The terms of which a model's score is the sum (kind vae): exact, without a baseline.
    contributions,
    // What the score loses when one input alone is at the baseline (occlusion, Zeiler and Fergus
    // 2014): for any kind of model, without a gradient; exact for sums of functions of one input.
    removal,
};

[[nodiscard]] std::string_view to_string(AttributionMethod method) noexcept;
// The model's own terms where its score is a sum of one an input, integrated gradients for kind
// onnx, else removal.
[[nodiscard]] AttributionMethod preferred_method(const Model& model) noexcept;

// What enters a network as zero: the offsets of the manifest's features; zeros where it has none.
[[nodiscard]] std::vector<float> offset_baseline(const Model& model);

struct Attributions {
    std::vector<float> shares;               // rows x inputs
    std::vector<float> scores;               // as Model::score_table gives them
    std::vector<float> completeness_errors;  // sum of the shares - (score - baseline_score)
    float baseline_score = 0;                // 0 for contributions and where the baseline has none
};

struct AttributionOptions {
    AttributionMethod method = AttributionMethod::integrated_gradients;  // one by gradients
    std::size_t steps = 64;                                              // of integrated gradients
    std::vector<float> baseline;                                         // one value an input
};

// `rows` as for Model::score_table; `gradient` is of the same model. A row without score has NaN
// everywhere; a row's answer does not depend on the others. Error: the baseline has no score, or
// the engine failed.
[[nodiscard]] tl::expected<Attributions, std::string> attribute(const Model& model,
                                                                ScoreGradient& gradient,
                                                                std::span<const float> rows,
                                                                const AttributionOptions& options);

// By removal from each row. An input without which there is no score has the share 0.
[[nodiscard]] Attributions attribute_by_removal(const Model& model, std::span<const float> rows,
                                                std::span<const float> baseline);

// By the model's own terms. Error: a kind whose score is no sum of them.
[[nodiscard]] tl::expected<Attributions, std::string> own_contributions(
    const Model& model, std::span<const float> rows);

// Positions of the `count` largest shares by magnitude, largest first; the earlier of equal ones.
[[nodiscard]] std::vector<std::size_t> largest_shares(std::span<const float> shares,
                                                      std::size_t count);

}  // namespace tamis::models
