// The error of an area under the ROC curve, and of the difference between the areas of two scores
// of the same events, which are correlated (DeLong, DeLong and Clarke-Pearson, Biometrics 1988).
// Cold path; any thread.
#pragma once

#include <span>
#include <vector>

namespace tamis::models {

// What each event adds to the area: of a signal event the share of background below it, of a
// background event the share of signal above it; ties counted half.
struct RocPlacements {
    double area = 0;
    std::vector<double> of_background;
    std::vector<double> of_signal;
};

// Both samples have events, all finite.
[[nodiscard]] RocPlacements roc_placements(std::span<const float> background,
                                           std::span<const float> signal);

// One standard deviation; 0 where a sample has one event.
[[nodiscard]] double area_error(const RocPlacements& score);
// Of first.area - second.area, both of the same events in the same order.
[[nodiscard]] double difference_error(const RocPlacements& first, const RocPlacements& second);

}  // namespace tamis::models
