// In what a decision made again differs from the recorded one, and why. Cold path, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "streams/decision.hpp"
#include "streams/recording/recorded_decision.hpp"

namespace tamis::streams {

enum class DifferenceCause : std::uint8_t {
    model,      // another model's score
    threshold,  // the same score against another threshold
    menu,       // another menu: seeds, prescales, paths, streams
    build,      // the same menu and models: another program or machine computes otherwise
};
inline constexpr std::size_t kDifferenceCauses = 4;

[[nodiscard]] std::string_view to_string(DifferenceCause cause) noexcept;

// A path of the menu that decides now.
struct DecidingPath {
    std::string name;
    std::optional<std::size_t> model;  // index in DecisionContext::model_hashes
};

struct DecisionDifference {
    DifferenceCause cause = DifferenceCause::build;
    // What differs first, as "verdict of path high_met: yes recorded, no now; threshold: 1 (..)
    // recorded, 2 (..) now".
    std::string text;
};

// Nothing when outcome, streams and every path's verdict and score are the same to the last bit,
// whatever the menu is called and wherever its thresholds lie. Latency and reasons are not
// compared. Paths are told apart by their place in the menu.
[[nodiscard]] std::optional<DecisionDifference> find_difference(
    const RecordedDecision& recorded, const Decision& now, const DecisionContext& context,
    const std::vector<DecidingPath>& paths);

}  // namespace tamis::streams
