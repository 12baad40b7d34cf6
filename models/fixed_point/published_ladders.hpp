// Thresholds with which CMS ran its anomaly triggers: the seeds of the level-1 menus, loose to
// tight. Cold path; any thread.
#pragma once

#include <span>
#include <string_view>

namespace tamis::models {

struct LadderStep {
    std::string_view name;  // as in the seed: L1_AXO_Tight is Tight
    double least_score;     // passes from it on
};

struct PublishedLadder {
    std::string_view model;  // as a layer table calls it
    std::string_view menu;   // where it was read
    std::span<const LadderStep> steps;
};

// Null where no ladder of the model is published.
[[nodiscard]] const PublishedLadder* find_published_ladder(std::string_view model) noexcept;

}  // namespace tamis::models
