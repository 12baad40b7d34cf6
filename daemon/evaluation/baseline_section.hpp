// A comparison with baselines and a contamination study for people and programs: a section of the
// report's page with the published figures beside ours, and JSON. Cold path.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/evaluation/baseline_comparison.hpp"
#include "models/vae/contamination_study.hpp"

namespace tamis::daemon {

[[nodiscard]] std::string baseline_section(const BaselineComparison& comparison);
[[nodiscard]] nlohmann::ordered_json baseline_json(const BaselineComparison& comparison);

struct ContaminationStudy {
    std::string signal;
    std::size_t training_events = 0;
    models::vae::ContaminationOptions options;
    std::vector<models::vae::ContaminatedTraining> trainings;
};
[[nodiscard]] std::string contamination_section(const ContaminationStudy& study);
[[nodiscard]] nlohmann::ordered_json contamination_json(const ContaminationStudy& study);

}  // namespace tamis::daemon
