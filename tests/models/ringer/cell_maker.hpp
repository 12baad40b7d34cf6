// Calorimeter cells put down one by one.
#pragma once

#include <cstdint>
#include <vector>

#include "models/ringer/ring_sums.hpp"

namespace tamis::models {

struct Cells {
    std::vector<float> eta, phi, energy;
    std::vector<std::uint8_t> layer;

    void add(double cell_eta, double cell_phi, double cell_energy, int cell_layer) {
        eta.push_back(static_cast<float>(cell_eta));
        phi.push_back(static_cast<float>(cell_phi));
        energy.push_back(static_cast<float>(cell_energy));
        layer.push_back(static_cast<std::uint8_t>(cell_layer));
    }
    [[nodiscard]] CellArrays arrays() const { return {eta, phi, energy, layer}; }
};

}  // namespace tamis::models
