#include "streams/synthetic/cell_grid.hpp"

#include <algorithm>
#include <cmath>

#include "streams/synthetic/four_vector.hpp"

namespace tamis::streams {
namespace {

constexpr std::size_t kMostCellsOnAxis = 129;

struct AxisShare {
    std::array<float, kMostCellsOnAxis> share;
    std::size_t begin = 0, end = 0;  // the cells that have one
};

// Integrals over `count` cells of width `pitch`, the first starting at 0, of a two-sided
// exponential around `impact`. Beyond eleven scales nothing is left (1e-5).
void share_axis(double pitch, std::size_t count, double impact, double scale,
                AxisShare& out) noexcept {
    const double reach = 11.0 * scale;
    const double cells = static_cast<double>(count);
    out.begin = static_cast<std::size_t>(std::clamp((impact - reach) / pitch, 0.0, cells));
    out.end = static_cast<std::size_t>(std::clamp((impact + reach) / pitch + 1.0, 0.0, cells));
    const double step = std::exp(-pitch / scale);
    // Tails 0.5 exp(-d / scale) of the edges, walking away from the impact on both sides, so that
    // three exponentials serve all cells.
    const double middle = std::clamp(std::floor(impact / pitch), -1.0, cells);
    const auto first_right = static_cast<std::size_t>(middle + 1.0);  // first edge right of impact
    double right_tail =
        0.5 * std::exp(-(static_cast<double>(first_right) * pitch - impact) / scale);
    const double left_distance = impact - middle * pitch;
    double left_tail = 0.5 * std::exp(-left_distance / scale);
    if (middle >= 0.0 && middle < cells) {
        out.share[static_cast<std::size_t>(middle)] =
            static_cast<float>(1.0 - right_tail - left_tail);
    }
    for (std::size_t i = first_right; i < out.end; ++i) {
        const double next = right_tail * step;
        out.share[i] = static_cast<float>(right_tail - next);
        right_tail = next;
    }
    for (auto i = static_cast<std::ptrdiff_t>(middle) - 1;
         i >= static_cast<std::ptrdiff_t>(out.begin); --i) {
        const double next = left_tail * step;
        out.share[static_cast<std::size_t>(i)] = static_cast<float>(left_tail - next);
        left_tail = next;
    }
}

}  // namespace

void CellGrid::centre_on(double eta, double phi) noexcept {
    cells_.fill(0.0F);
    for (std::size_t i = 0; i < kCalorimeterLayers; ++i) {
        const LayerGeometry& geometry = kLayerGeometry[i];
        const std::size_t eta_below = geometry.eta_cells / 2;
        const std::size_t phi_below = geometry.phi_cells / 2;
        const auto half_eta = static_cast<double>(eta_below);
        const auto half_phi = static_cast<double>(phi_below);
        corner_[i] = {(std::floor(eta / geometry.eta_pitch) - half_eta) * geometry.eta_pitch,
                      (std::floor(phi / geometry.phi_pitch) - half_phi) * geometry.phi_pitch};
    }
}

void CellGrid::deposit(std::size_t index, double et, double eta, double phi, double eta_scale,
                       double phi_scale) noexcept {
    const LayerGeometry& geometry = kLayerGeometry[index];
    const double eta_impact = eta - corner_[index].eta;
    const double middle_phi = 0.5 * static_cast<double>(geometry.phi_cells) * geometry.phi_pitch;
    const double phi_impact = middle_phi + wrap_phi(phi - corner_[index].phi - middle_phi);
    const double eta_extent = static_cast<double>(geometry.eta_cells) * geometry.eta_pitch;
    if (eta_impact < 0.0 || eta_impact >= eta_extent || phi_impact < 0.0 ||
        phi_impact >= 2.0 * middle_phi) {
        return;
    }
    AxisShare etas;
    AxisShare phis;
    share_axis(geometry.eta_pitch, geometry.eta_cells, eta_impact, eta_scale, etas);
    share_axis(geometry.phi_pitch, geometry.phi_cells, phi_impact, phi_scale, phis);
    const std::span<float> cells = layer(index);
    for (std::size_t i = etas.begin; i < etas.end; ++i) {
        const float row = static_cast<float>(et) * etas.share[i];
        for (std::size_t j = phis.begin; j < phis.end; ++j) {
            cells[i * geometry.phi_cells + j] += row * phis.share[j];
        }
    }
}

CellGrid::Position CellGrid::position(std::size_t index, std::size_t cell) const noexcept {
    const LayerGeometry& geometry = kLayerGeometry[index];
    const std::size_t eta_row = cell / geometry.phi_cells;
    const auto eta_index = static_cast<double>(eta_row);
    const auto phi_index = static_cast<double>(cell % geometry.phi_cells);
    return {corner_[index].eta + (eta_index + 0.5) * geometry.eta_pitch,
            wrap_phi(corner_[index].phi + (phi_index + 0.5) * geometry.phi_pitch)};
}

double CellGrid::electromagnetic_et(const Position& centre, double eta_half_width,
                                    double phi_half_width) const noexcept {
    constexpr std::size_t kElectromagneticLayers = 4;
    double sum = 0;
    for (std::size_t index = 0; index < kElectromagneticLayers; ++index) {
        const LayerGeometry& geometry = kLayerGeometry[index];
        const std::span<const float> cells = layer(index);
        for (std::size_t cell = 0; cell < cells.size(); ++cell) {
            const std::size_t row = cell / geometry.phi_cells;
            const double eta =
                corner_[index].eta + (static_cast<double>(row) + 0.5) * geometry.eta_pitch;
            const double phi =
                corner_[index].phi +
                (static_cast<double>(cell % geometry.phi_cells) + 0.5) * geometry.phi_pitch;
            if (std::abs(eta - centre.eta) <= eta_half_width &&
                std::abs(wrap_phi(phi - centre.phi)) <= phi_half_width) {
                sum += cells[cell];
            }
        }
    }
    return sum;
}

}  // namespace tamis::streams
