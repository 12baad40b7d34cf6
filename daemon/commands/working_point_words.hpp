// A working point as a person writes and reads it. Cold path.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "models/calibration.hpp"
#include "models/manifest.hpp"

namespace tamis::daemon {

// NAME=fraction:1e-5, NAME=efficiency:0.9 or NAME=rate:100 (Hz, of input_rate_hz, 0 where none was
// given). The error says what is wrong and what would be right.
[[nodiscard]] tl::expected<models::WantedPoint, std::string> parse_wanted_point(
    std::string_view text, double input_rate_hz);

// What it was asked to be: "fraction 1e-05"; "-" where the manifest does not say.
[[nodiscard]] std::string describe_target(const models::WorkingPoint& point);
// "41.2 (40.9 .. 41.6)", marked where it is extrapolated; the number of bins where there are
// several.
[[nodiscard]] std::string describe_thresholds(const models::WorkingPoint& point);

}  // namespace tamis::daemon
