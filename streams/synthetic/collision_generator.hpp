// Draws synthetic collisions, each a pure function of (seed, run, event, mix).
#pragma once

#include <cstdint>

#include "streams/synthetic/collision.hpp"

namespace tamis::streams {

// Event `event` of run `run` under the seed and mix: always the same. The second form reuses the
// buffers of `out`. Any thread.
[[nodiscard]] Collision generate_collision(std::uint64_t seed, std::uint32_t run,
                                           std::uint64_t event, const EventMix& mix);
void generate_collision(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                        const EventMix& mix, Collision& out);

}  // namespace tamis::streams
