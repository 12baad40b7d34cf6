// The plots of an evaluation. Cold path.
#pragma once

#include <vector>

#include "daemon/evaluation/model_evaluation.hpp"
#include "daemon/evaluation/svg_plot.hpp"
#include "models/manifest.hpp"

namespace tamis::daemon {

// Signal efficiency over background fraction, which is logarithmic down to one background event.
[[nodiscard]] Plot roc_plot(const ModelEvaluation& evaluation);

// Shares of each sample per interval of the score, with thresholds that are the same in all bins.
[[nodiscard]] Plot score_plot(const ModelEvaluation& evaluation, const models::Manifest& manifest);

// Share of background rows whose conformal p-value, from the other half of them, is below x: on
// the diagonal where a wanted fraction is the fraction that comes.
[[nodiscard]] Plot p_value_plot(const SampleEvaluation& background);

[[nodiscard]] Plot dependence_plot(const Dependence& dependence, const ModelEvaluation& evaluation);

// Losses by epoch, as the training report has them; no lines where it has none.
[[nodiscard]] Plot training_plot(const std::vector<std::string>& report);

}  // namespace tamis::daemon
