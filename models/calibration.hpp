// Thresholds from samples of scores, with the error that the sample's size allows, and the figures
// of reports. Cold path; any thread.
#pragma once

#include <cstddef>
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

// Scores above the threshold, as a working point passes them: score > threshold.
[[nodiscard]] std::size_t count_above(std::span<const float> scores, double threshold) noexcept;

// A threshold that is to accept `fraction` of the background.
struct WantedPoint {
    std::string name;
    double fraction = 0;
};

// One point for each that the background reaches (at least one event must pass); its interval is
// in background_fraction_low and _high, and signal_efficiency is the mean over `signals`, each a
// sample's scores. The threshold lies on a background score, of equal scores all fail.
struct Calibration {
    std::vector<WorkingPoint> points;
    std::vector<std::string> notes;  // one line for each point that is left out or rests on few
};
[[nodiscard]] Calibration calibrate(std::span<const float> background,
                                    std::span<const std::vector<float>> signals,
                                    std::span<const WantedPoint> wanted);

// Area under the ROC curve: the probability that a signal scores above a background event, ties
// counted half. Both samples must have events.
[[nodiscard]] double roc_area(std::span<const float> background, std::span<const float> signal);

}  // namespace tamis::models
