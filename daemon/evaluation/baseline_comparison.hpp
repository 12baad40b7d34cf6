// A VAE beside what it has to beat: areas under the ROC curve and signal efficiencies at fixed
// background fractions, all of the same events, and where it does not win. Plain data; cold path.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "daemon/evaluation/model_evaluation.hpp"
#include "models/baselines/baselines.hpp"

namespace tamis::daemon {

struct EfficiencyAt {
    Fraction efficiency;  // above the score that just that fraction of the background exceeds
    // 95 % for the signal's count, taken at both ends of the threshold's own 95 % interval.
    models::Interval with_threshold;
};
// falling: the background's scores, highest first; fraction: below 1, of some of them.
[[nodiscard]] EfficiencyAt efficiency_at(const std::vector<float>& falling,
                                         const std::vector<float>& signal, double fraction);

// One score of one signal.
struct MethodOnSignal {
    double area = 0, area_error = 0;
    double lead = 0, lead_error = 0;         // of the model's area over this one
    std::vector<EfficiencyAt> efficiencies;  // at each fraction
    std::vector<RocPoint> roc;               // some 150 points, equal steps of the logarithm
};

struct ComparedMethod {
    std::string method;  // as find_published knows it; empty: nothing is published
    std::string name;
    std::string how;
    bool knows_signals = false;
    std::vector<MethodOnSignal> by_signal;
};

struct BaselineComparison {
    std::size_t background_events = 0;
    std::vector<std::string> signals;
    std::vector<double> fractions;        // those that five background events or more exceed
    std::vector<ComparedMethod> methods;  // the model's score first
    std::vector<std::string> verdicts;    // sentences: where the model does not beat a rival
};

// `model` is of kind vae. The first sample is the background; `signals` names samples in the order
// that the baselines learnt them.
[[nodiscard]] BaselineComparison compare_with_baselines(const models::Model& model,
                                                        std::span<const models::Sample> samples,
                                                        std::span<const models::Baseline> baselines,
                                                        std::span<const std::string> signals);

}  // namespace tamis::daemon
