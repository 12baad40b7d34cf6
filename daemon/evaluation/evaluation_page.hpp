// An evaluation as one HTML page that needs nothing beside it: tables, plots, and what the model
// was made from. Cold path.
#pragma once

#include <string>

#include "daemon/evaluation/model_evaluation.hpp"
#include "daemon/evaluation/report_parts.hpp"

namespace tamis::daemon {

[[nodiscard]] std::string evaluation_page(const models::Model& model,
                                          const ModelEvaluation& evaluation,
                                          const ReportParts& parts, const EvaluationOrigin& origin);

}  // namespace tamis::daemon
