// The 21 features of an event as the input row of kinds of model that learnt from events with a
// trigger lepton. Any thread, no allocation.
#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>

#include "models/event_inputs.hpp"
#include "models/manifest.hpp"
#include "models/model.hpp"

namespace tamis::models {

// The manifest must list the 21 names in order, with offset 0 and scale 1: such kinds fold them
// into the network's first layer.
[[nodiscard]] tl::expected<void, std::string> check_high_level_features(const Manifest& manifest);

// scored: the row (of 21) is written. Else why there is none; without a trigger lepton
// not_applicable.
[[nodiscard]] ScoreStatus write_high_level_row(EventInputs& event, std::span<float> row) noexcept;

}  // namespace tamis::models
