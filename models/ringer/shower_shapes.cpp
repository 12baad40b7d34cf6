#include "models/ringer/shower_shapes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <gsl/assert>
#include <numbers>

namespace tamis::models {

namespace {

constexpr std::uint8_t kStripLayer = 1, kMiddleLayer = 2, kLastElectromagnetic = 3;
constexpr std::uint8_t kFirstHadronic = 4;
constexpr double kStripHalfEta = 0.0625, kStripHalfPhi = 0.1;
constexpr double kClusterHalfEta = 0.0375, kClusterHalfPhi = 0.0859;  // 3 x 7 cells of EM2
constexpr double kHadronicHalf = 0.1;
constexpr double kRounding = 1e-4;  // of cell centres that lie on an edge

constexpr std::size_t kStripsEachSide = 20;  // kStripHalfEta in strips
constexpr std::size_t kStrips = 2 * kStripsEachSide + 1;

struct Place {
    double eta = 0, phi = 0;

    [[nodiscard]] bool within(double half_eta, double half_phi, double cell_eta,
                              double cell_phi) const noexcept {
        return std::abs(cell_eta - eta) < half_eta + kRounding &&
               std::abs(phi_distance(cell_phi, phi)) < half_phi + kRounding;
    }
};

Place hottest_middle_cell(const CellArrays& cells, const Place& cluster) noexcept {
    const double half = 0.5 * RingWindow{}.search_width;
    Place hottest = cluster;
    float largest = 0;
    for (std::size_t i = 0; i < cells.energy.size(); ++i) {
        if (cells.layer[i] == kMiddleLayer && cells.energy[i] > largest &&
            cluster.within(half, half, cells.eta[i], cells.phi[i])) {
            largest = cells.energy[i];
            hottest = {cells.eta[i], cells.phi[i]};
        }
    }
    return hottest;
}

// Energies of strips, the middle one at the cluster.
std::array<double, kStrips> sum_strips(const CellArrays& cells, const Place& cluster) noexcept {
    std::array<double, kStrips> strips{};
    const double width = kRingSets[kStripLayer].eta_width;
    for (std::size_t i = 0; i < cells.energy.size(); ++i) {
        if (cells.layer[i] != kStripLayer ||
            !cluster.within(kStripHalfEta, kStripHalfPhi, cells.eta[i], cells.phi[i])) {
            continue;
        }
        const double place =
            std::round((cells.eta[i] - cluster.eta) / width) + static_cast<double>(kStripsEachSide);
        const double inside = std::clamp(place, 0.0, static_cast<double>(kStrips - 1));
        strips[static_cast<std::size_t>(inside)] += cells.energy[i];
    }
    return strips;
}

void find_strip_maxima(const std::array<double, kStrips>& strips, ShowerShapes& shapes) noexcept {
    const auto* const highest = std::max_element(strips.begin(), strips.end());
    const auto peak = static_cast<std::size_t>(highest - strips.begin());
    shapes.emaxs1 = static_cast<float>(std::max(0.0, *highest));
    for (std::size_t i = 1; i + 1 < kStrips; ++i) {
        const bool is_maximum = strips[i] > strips[i - 1] && strips[i] > strips[i + 1];
        if (i != peak && is_maximum && strips[i] > shapes.e2tsts1) {
            shapes.e2tsts1 = static_cast<float>(strips[i]);
        }
    }
}

}  // namespace

ShowerShapes find_shower_shapes(const CellArrays& cells, float eta, float phi) noexcept {
    Expects(cells.eta.size() == cells.energy.size() && cells.phi.size() == cells.energy.size() &&
            cells.layer.size() == cells.energy.size());
    const Place cluster{eta, phi};
    const Place centre = hottest_middle_cell(cells, cluster);
    const RingSet& middle = kRingSets[kMiddleLayer];
    double e237 = 0, e277 = 0, strips = 0, electromagnetic = 0, hadronic = 0;
    for (std::size_t i = 0; i < cells.energy.size(); ++i) {
        const double energy = cells.energy[i];
        const Place cell{cells.eta[i], cells.phi[i]};
        if (cells.layer[i] == kMiddleLayer &&
            centre.within(3 * middle.eta_width, 3 * middle.phi_width, cell.eta, cell.phi)) {
            e277 += energy;
            e237 += std::abs(cell.eta - centre.eta) < middle.eta_width + kRounding ? energy : 0.0;
        }
        if (cells.layer[i] <= kLastElectromagnetic &&
            cluster.within(kClusterHalfEta, kClusterHalfPhi, cell.eta, cell.phi)) {
            electromagnetic += energy;
            strips += cells.layer[i] == kStripLayer ? energy : 0.0;
        }
        if (cells.layer[i] == kFirstHadronic &&
            cluster.within(kHadronicHalf, kHadronicHalf, cell.eta, cell.phi)) {
            hadronic += energy;
        }
    }
    ShowerShapes shapes;
    shapes.e237 = static_cast<float>(e237);
    shapes.e277 = static_cast<float>(e277);
    shapes.f1 = electromagnetic > 0 ? static_cast<float>(strips / electromagnetic) : 0.0F;
    shapes.ehad1 = static_cast<float>(hadronic);
    find_strip_maxima(sum_strips(cells, cluster), shapes);
    return shapes;
}

}  // namespace tamis::models
