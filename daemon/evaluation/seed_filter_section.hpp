// A seed filter's efficiencies at the published fake rejections, with errors, beside the published
// table: a section of the report's page, and JSON. Cold path.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "daemon/evaluation/model_evaluation.hpp"

namespace tamis::daemon {

// The first sample is fake doublets, the others are true ones. Empty (null) without a second sample
// or with too few fakes for any of the rejections.
[[nodiscard]] std::string seed_filter_section(const ModelEvaluation& evaluation);
[[nodiscard]] nlohmann::ordered_json seed_filter_json(const ModelEvaluation& evaluation);

}  // namespace tamis::daemon
