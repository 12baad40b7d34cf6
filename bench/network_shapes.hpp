// Networks of the shapes that triggers use, with random weights: times do not depend on weights.
// Built by the engine's GraphBuilder; the same every time.
#pragma once

#include <vector>

#include "daemon/network_timing/network_files.hpp"

namespace tamis::bench {

// Dense chains: a VAE's encoder and decoder, an anomaly trigger's encoder, the ringers.
// Convolutional: the seed filter's heavy and light forms.
[[nodiscard]] std::vector<daemon::NamedNetwork> trigger_shapes();

// `count` ringer networks 100 -> 5 -> 1 with tanh, of different weights.
[[nodiscard]] std::vector<engine::Graph> ringer_networks(std::size_t count);

}  // namespace tamis::bench
