// Working points as the manifest has them beside what they do on the samples judged: whether a
// fraction that was promised is the fraction that came. A section of the report's page. Cold path.
#pragma once

#include <string>

#include "daemon/evaluation/model_evaluation.hpp"
#include "models/manifest.hpp"

namespace tamis::daemon {

// Empty where the model has no working point.
[[nodiscard]] std::string calibration_section(const models::Manifest& manifest,
                                              const ModelEvaluation& evaluation);

}  // namespace tamis::daemon
