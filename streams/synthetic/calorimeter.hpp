// The calorimeter's view of a synthetic collision: clusters and zero-suppressed cells of its
// electrons, of jets that could be taken for electrons, and of pile-up.
#pragma once

#include <cstdint>
#include <vector>

#include "streams/payloads.hpp"
#include "streams/synthetic/collision.hpp"

namespace tamis::streams {

struct CalorimeterView {
    float average_mu = 0;
    std::vector<float> et, eta, phi;        // of the clusters; et in GeV
    std::vector<std::uint8_t> is_electron;  // truth, by cluster
    // Cells of the whole event, cluster after cluster, within 0.2 (electromagnetic) or 0.35
    // (hadronic) of one; above twice the noise in magnitude. Energies in GeV, not transverse.
    std::vector<float> cell_eta, cell_phi, cell_energy;
    std::vector<std::uint8_t> cell_layer;

    void clear() noexcept;
    // Without rings. Lives as long as this object is not changed.
    [[nodiscard]] CalorimeterClusters view() const noexcept;
};

// Of event `event` of run `run` under the seed; `collision` is that event's. Reuses the buffers of
// `out`. Any thread.
void generate_clusters(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                       const Collision& collision, CalorimeterView& out);

}  // namespace tamis::streams
