// Copies a small array between two layouts of oneDNN as a list of contiguous runs, or transposes
// it; which, is found once by letting oneDNN reorder the numbers 0, 1, 2, ... To call its reorder
// on a layer's weights costs several times as much. Internal to the engine (sees oneDNN).
#pragma once

#include <optional>

#include "engine/onednn.hpp"
#include "engine/program.hpp"

namespace tamis::engine {

// None where the layouts share no runs worth it, or the array is large. What the wanted layout pads
// becomes zero. Throws dnnl::error.
[[nodiscard]] std::optional<Loop> layout_copy(const onednn::Desc& from, const onednn::Desc& to);

}  // namespace tamis::engine
