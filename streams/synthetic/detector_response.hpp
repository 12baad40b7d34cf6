// From a hard scatter to reconstructed objects: acceptance, efficiency, resolution, pile-up, jets,
// missing momentum, hadron counts. Parametric; the constants are in the source, each with its unit.
#pragma once

#include "streams/synthetic/collision.hpp"
#include "streams/synthetic/hard_scatter.hpp"
#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {

// Draws the bunch crossing: `average_mu` (20 +- 4) and the vertices of this event.
void draw_pileup(RandomStream& random, Collision& out) noexcept;

// Fills the leptons and tells whether the event passes the preselection. out.vertices is set.
[[nodiscard]] bool reconstruct_leptons(RandomStream& random, const HardScatter& truth,
                                       Collision& out);

// Everything but the leptons; for events that passed.
void reconstruct_hadrons(RandomStream& random, const HardScatter& truth, Collision& out);

}  // namespace tamis::streams
