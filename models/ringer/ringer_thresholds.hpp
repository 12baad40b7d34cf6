// How thresholds of a discriminant are set: the SP index and lines in pile-up that keep as much
// signal as wanted, or as a reference selection keeps in every slice of pile-up. A cluster passes
// where discriminant > slope * mu + offset, mu clipped to the range of the fit. Pure functions on
// the cold path.
#pragma once

#include <optional>
#include <span>

#include "models/calibration.hpp"

namespace tamis::models {

// SP = sqrt(sqrt(PD (1 - FA)) (PD + 1 - FA) / 2): 1 is perfect, PD and FA are the accepted
// fractions of signal and background.
[[nodiscard]] double sp_index(double detection, double false_alarm) noexcept;

struct SpPoint {
    double sp = 0;
    double threshold = 0;  // score > threshold
    double detection = 0;
    double false_alarm = 0;
};

// The threshold with the largest SP. Both samples not empty, finite.
[[nodiscard]] SpPoint find_best_sp(std::span<const float> signal,
                                   std::span<const float> background);

// The largest threshold that at least `efficiency` (0 to 1) of the scores exceed. Not empty.
[[nodiscard]] double threshold_at_efficiency(std::span<const double> scores, double efficiency);

struct ScoredCluster {
    float score = 0;
    float average_mu = 0;
    bool in_reference = false;  // kept by the reference selection
};

// How much of the signal a threshold is to keep.
struct EfficiencyGoal {
    std::optional<double> fixed;  // above 0, at most 1; none: as much as the reference selection
    double relaxation = 0;        // and this part of what the reference loses (Run 3 of ATLAS: 0.4)
};

struct ThresholdLine {
    double slope = 0;  // per unit of pile-up, never positive
    double offset = 0;

    [[nodiscard]] double at(double average_mu, double mu_low, double mu_high) const noexcept;
};

struct ThresholdFit {
    double mu_low = 16, mu_high = 60;  // pile-up is clipped to this range
    double slice_width = 4;            // of pile-up
    std::size_t least_entries = 50;    // of a slice that takes part in the fit
    double largest_false_alarm = 0.5;  // above it the efficiency is lowered
    double efficiency_step = 0.0025;
};

struct FittedThreshold {
    ThresholdLine line;
    ScoreInterval offset;   // 95 %, of the slope as it is
    double efficiency = 0;  // that was aimed at in the end, of the whole signal
    double detection = 0;   // accepted fraction of the signal
    double false_alarm = 0;
};

// In every slice of pile-up the threshold that meets the goal on the slice's signal, a straight
// line through them weighted by entries, a positive slope set to 0; then the offset such that the
// whole signal sample meets the goal (the published recipe leaves the fitted offset). While more
// background than allowed passes, the efficiency is lowered step by step. Signal not empty.
[[nodiscard]] FittedThreshold fit_threshold(std::span<const ScoredCluster> signal,
                                            std::span<const ScoredCluster> background,
                                            const EfficiencyGoal& goal, const ThresholdFit& fit);

}  // namespace tamis::models
