// A network's 8-bit ranges as parameters of its manifest: "int8.low" and "int8.high", one value for
// each dense and convolution layer. A manifest without them means floats. Plain functions.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "engine/int8_ranges.hpp"
#include "models/manifest.hpp"

namespace tamis::models {

// Empty where the manifest has none. Error: one of the two alone, or of different lengths.
[[nodiscard]] tl::expected<engine::Int8Ranges, std::string> read_int8_ranges(
    const Manifest& manifest);
// Replaces those that are there.
void set_int8_ranges(Manifest& manifest, const engine::Int8Ranges& ranges);

}  // namespace tamis::models
