// Thresholds from samples of scores, with the error that the sample's size allows, and the figures
// of reports. Cold path; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/manifest.hpp"

namespace tamis::models {

struct Interval {
    double low = 0, high = 0;
};

// Central interval of a fraction of which `passed` of `total` were seen (Clopper and Pearson 1934):
// covers with at least `confidence`. total > 0, passed <= total.
[[nodiscard]] Interval clopper_pearson(std::size_t passed, std::size_t total,
                                       double confidence = 0.95);

// 95 % interval, from order statistics alone, of the score that the given fraction of the sampled
// population exceeds: covers with at least that for any distribution (Scheffe and Tukey 1945). An
// end that the sample does not reach is absent. `falling`: in falling order, not empty; fraction
// above 0 and below 1.
struct ScoreInterval {
    std::optional<double> low, high;
};
[[nodiscard]] ScoreInterval score_interval(std::span<const float> falling, double fraction);

// Scores above the threshold, as a working point passes them: score > threshold.
[[nodiscard]] std::size_t count_above(std::span<const float> scores, double threshold) noexcept;

// What a threshold is to do: accept a fraction of the background, a fraction of the signal (all
// samples together), or so much background that it is a rate in Hz where input_rate_hz arrive.
struct WantedPoint {
    std::string name;
    double value = 0;
    PointTarget target = PointTarget::background_fraction;
    double input_rate_hz = 0;
};
// Whether it can be asked for: fractions above 0 and below 1, a rate above 0 and below its input.
[[nodiscard]] bool is_possible(const WantedPoint& wanted) noexcept;

struct Calibration {
    std::vector<WorkingPoint> points;
    std::vector<std::string> notes;  // on points that are left out, extrapolated or rest on few
};

// One point for each that can be set; each must be possible. The threshold lies on a background
// score (of equal scores all fail), or just below a signal score where an efficiency is wanted.
// Where fewer than ten background events are to pass, the threshold is that of a fitted tail
// (tail_fit.hpp) and marked as extrapolated; where no tail can be fitted, that of the sample if one
// event at least passes. The tail is halved until half of it gives a threshold inside the interval
// and the score that ten events exceed lies in the sample's own interval; a tail that never settles
// is said in the notes. The interval does not know of this choice.
[[nodiscard]] Calibration calibrate(std::span<const float> background,
                                    std::span<const std::vector<float>> signals,
                                    std::span<const WantedPoint> wanted);

// The same in each bin of pile-up: thresholds that accept what is wanted in every bin. `edges` rise
// and divide the axis into one bin more than there are edges; spans of pile-up are as long as their
// scores. A point that cannot be set in every bin is left out.
struct ScoredEvents {
    std::span<const float> scores;
    std::span<const float> pileup;
};
[[nodiscard]] Calibration calibrate_by_pileup(const ScoredEvents& background,
                                              std::span<const ScoredEvents> signals,
                                              std::span<const double> edges,
                                              std::span<const WantedPoint> wanted);

// How unusual a score is against reference scores of background: (1 + those at least as large) /
// (1 + all). For background exchangeable with the reference it is below a with probability a at
// most, for any a (Vovk, Gammerman and Shafer 2005). `rising`: the reference in rising order.
[[nodiscard]] double conformal_p_value(std::span<const float> rising, float score) noexcept;

// Area under the ROC curve: the probability that a signal scores above a background event, ties
// counted half. Both samples must have events.
[[nodiscard]] double roc_area(std::span<const float> background, std::span<const float> signal);

}  // namespace tamis::models
