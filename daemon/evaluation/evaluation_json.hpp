// An evaluation for programs: JSON of all figures, CSV of the curves. Cold path.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "daemon/evaluation/model_evaluation.hpp"
#include "daemon/evaluation/report_parts.hpp"

namespace tamis::daemon {

[[nodiscard]] nlohmann::ordered_json evaluation_json(const models::Model& model,
                                                     const ModelEvaluation& evaluation,
                                                     const ReportParts& parts);

// signal,background_fraction,signal_efficiency: every point of every curve.
[[nodiscard]] std::string roc_csv(const ModelEvaluation& evaluation);

}  // namespace tamis::daemon
