// The few numbers that a cut-based electron selection takes from the cells around a cluster, as the
// fast calorimeter reconstruction of ATLAS defines them. Pure functions: no state, no allocation.
#pragma once

#include "models/ringer/ring_sums.hpp"

namespace tamis::models {

// Energies in GeV, not transverse.
struct ShowerShapes {
    float e237 = 0, e277 = 0;       // 3 x 7 and 7 x 7 cells of EM2 (eta x phi) around its hottest
    float emaxs1 = 0, e2tsts1 = 0;  // EM1: the largest strip, and the largest other local maximum
    float f1 = 0;                   // share of EM1 in the electromagnetic energy
    float ehad1 = 0;                // HAD1
    // Cluster less region of interest of the first level; 0 where there is none.
    float roi_delta_eta = 0, roi_delta_phi = 0;
};

// Of the cells around (eta, phi): EM2 is centred on its hottest cell in RingWindow's search window,
// on the cluster where there is none; strips are summed over phi within 0.1 and sought within
// 0.0625 in eta; f1 is of cells within 0.0375 x 0.0859, ehad1 of cells within 0.1 x 0.1 (half
// widths). All 0 where there are no cells.
[[nodiscard]] ShowerShapes find_shower_shapes(const CellArrays& cells, float eta,
                                              float phi) noexcept;

}  // namespace tamis::models
