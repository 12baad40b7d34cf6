// An evaluation as one HTML page that needs nothing beside it: tables, plots, and what the model
// was made from. Cold path.
#pragma once

#include <span>
#include <string>

#include "daemon/evaluation/input_ranking.hpp"
#include "daemon/evaluation/model_evaluation.hpp"

namespace tamis::daemon {

// How the evaluation came about.
struct EvaluationOrigin {
    std::string command;
    std::string data;   // what it was judged on, with hashes of files
    std::string build;  // version and compiler
};

[[nodiscard]] std::string evaluation_page(const models::Model& model,
                                          const ModelEvaluation& evaluation,
                                          std::span<const RankedInput> ranking,
                                          const EvaluationOrigin& origin);

}  // namespace tamis::daemon
