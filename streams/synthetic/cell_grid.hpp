// The calorimeter cells around one cluster: seven layers, each a window of its own lattice in eta
// and phi, summed in transverse energy. Layers as on the wire: 0 presampler, 1-3 electromagnetic,
// 4-6 hadronic; granularity of the ATLAS barrel as the ring sums take it.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace tamis::streams {

struct LayerGeometry {
    double eta_pitch, phi_pitch;       // of a cell; phi_pitch divides the full turn
    std::size_t eta_cells, phi_cells;  // of the window, odd, the cluster in the middle cell
    double noise_gev;                  // electronics and pile-up, of a cell, transverse
};

inline constexpr std::size_t kCalorimeterLayers = 7;
inline constexpr std::array<LayerGeometry, kCalorimeterLayers> kLayerGeometry = {{
    {0.025, 0.0981748, 17, 5, 0.070},
    {0.003125, 0.0981748, 129, 5, 0.018},
    {0.025, 0.0245437, 17, 17, 0.060},
    {0.05, 0.0245437, 9, 17, 0.032},
    {0.1, 0.0981748, 7, 7, 0.080},
    {0.1, 0.0981748, 7, 7, 0.110},
    {0.1, 0.0981748, 7, 7, 0.045},
}};

[[nodiscard]] constexpr std::size_t cells_of(std::size_t layer) noexcept {
    return kLayerGeometry[layer].eta_cells * kLayerGeometry[layer].phi_cells;
}

[[nodiscard]] constexpr std::size_t first_cell_of(std::size_t layer) noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < layer; ++i) {
        sum += cells_of(i);
    }
    return sum;
}
inline constexpr std::size_t kGridCells = first_cell_of(kCalorimeterLayers);

class CellGrid {
 public:
    // Empties the grid and centres every window on the lattice cell that holds (eta, phi).
    void centre_on(double eta, double phi) noexcept;

    // Adds `et` (GeV) around (eta, phi), falling on either axis as exp(-|distance| / scale); what
    // lies outside the window is lost, as in a readout of limited size.
    void deposit(std::size_t layer, double et, double eta, double phi, double eta_scale,
                 double phi_scale) noexcept;

    // Transverse energies of a layer, eta by eta, phi running fastest.
    [[nodiscard]] std::span<float> layer(std::size_t index) noexcept {
        return std::span(cells_).subspan(first_cell_of(index), cells_of(index));
    }
    [[nodiscard]] std::span<const float> layer(std::size_t index) const noexcept {
        return std::span(cells_).subspan(first_cell_of(index), cells_of(index));
    }

    struct Position {
        double eta, phi;
    };
    // Centre of a cell; phi in [-pi, pi).
    [[nodiscard]] Position position(std::size_t layer, std::size_t cell) const noexcept;

    // Sum of the presampler and electromagnetic layers in a rectangle around a position.
    [[nodiscard]] double electromagnetic_et(const Position& centre, double eta_half_width,
                                            double phi_half_width) const noexcept;

 private:
    std::array<float, kGridCells> cells_{};
    std::array<Position, kCalorimeterLayers> corner_{};  // lower edges of the windows
};

}  // namespace tamis::streams
