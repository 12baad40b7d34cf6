// What oneDNN 2.6 has no pooling for. Internal to the engine.
#pragma once

#include "engine/emission.hpp"

namespace tamis::engine {

void emit_dilated_pool(Emission& to, const PlanLayer& layer, const Window& window);

}  // namespace tamis::engine
