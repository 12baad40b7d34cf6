// What a report says beside the evaluation itself. Plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/evaluation/baseline_comparison.hpp"
#include "daemon/evaluation/baseline_section.hpp"
#include "daemon/evaluation/input_ranking.hpp"

namespace tamis::daemon {

struct ReportParts {
    std::vector<RankedInput> ranking;   // by exchange
    std::vector<RemovedInput> removal;  // one after the other
    std::optional<BaselineComparison> baselines;
    std::optional<ContaminationStudy> contamination;
};

// How the evaluation came about.
struct EvaluationOrigin {
    std::string command;
    std::string data;   // what it was judged on, with hashes of files
    std::string build;  // version and compiler
};

}  // namespace tamis::daemon
