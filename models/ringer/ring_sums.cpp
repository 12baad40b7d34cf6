#include "models/ringer/ring_sums.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <numbers>

namespace tamis::models {

namespace {

constexpr double kStopEnergyGev = 0.1;        // below it a sequential factor amplifies noise
constexpr double kEnergyThresholdGev = 1e-6;  // below it nothing is divided

constexpr std::array<std::string_view, 4> kNormalisationNames = {"none", "absolute_sum",
                                                                 "signed_sum", "sequential"};

struct Centre {
    double eta = 0, phi = 0;
    double energy = 0;
    bool found = false;
};

using Centres = std::array<Centre, kRingSetCount>;

Centres find_centres(const CellArrays& cells, double eta, double phi,
                     const RingWindow& window) noexcept {
    Centres centres{};
    const double half = 0.5 * window.search_width;
    for (std::size_t i = 0; i < cells.energy.size(); ++i) {
        if (cells.layer[i] >= kRingSetCount || !(std::abs(cells.eta[i] - eta) < half) ||
            !(std::abs(phi_distance(cells.phi[i], phi)) < half)) {
            continue;
        }
        Centre& centre = centres[cells.layer[i]];
        if (!centre.found || cells.energy[i] > centre.energy) {
            centre = {cells.eta[i], cells.phi[i], cells.energy[i], true};
        }
    }
    for (Centre& centre : centres) {
        if (!centre.found) {
            centre.eta = eta;
            centre.phi = phi;
        }
    }
    return centres;
}

// The rules of TrigRingerNeuralFex::sequential, energies in GeV: N_0 = |sum|, N_i = |N_(i-1) -
// r_(i-1)|, and from the first N_i below the stop energy on N_0 for all.
void normalise_set_sequentially(std::span<float> rings) noexcept {
    double sum = 0;
    for (const float ring : rings) {
        sum += ring;
    }
    double first = std::abs(sum);
    if (first < kStopEnergyGev) {
        const auto [low, high] = std::minmax_element(rings.begin(), rings.end());
        if (first < *high) {
            first = std::max(std::abs(*high), std::abs(*low));
        }
        if (first < kEnergyThresholdGev) {
            return;
        }
        for (float& ring : rings) {
            ring = static_cast<float>(ring / first);
        }
        return;
    }
    double factor = first;
    double inner = rings[0];
    bool stopped = false;
    rings[0] = static_cast<float>(rings[0] / first);
    for (std::size_t i = 1; i < rings.size(); ++i) {
        factor = std::abs(factor - inner);
        stopped = stopped || factor < kStopEnergyGev;
        if (stopped) {
            factor = first;
        }
        inner = rings[i];
        rings[i] = static_cast<float>(rings[i] / factor);
    }
}

constexpr std::array<std::uint8_t, kHalfRingCount> make_half_rings() noexcept {
    std::array<std::uint8_t, kHalfRingCount> indices{};
    std::size_t n = 0;
    for (const RingSet& set : kRingSets) {
        for (std::size_t i = 0; i < set.count / 2; ++i) {
            indices[n++] = static_cast<std::uint8_t>(set.first + i);
        }
    }
    return indices;
}

constexpr std::array<std::uint8_t, kHalfRingCount> kHalfRings = make_half_rings();

}  // namespace

double phi_distance(double a, double b) noexcept {
    return std::remainder(a - b, 2.0 * std::numbers::pi);
}

void sum_rings(const CellArrays& cells, float eta, float phi, const RingWindow& window,
               std::span<float, kRingCount> rings) noexcept {
    Expects(cells.eta.size() == cells.energy.size() && cells.phi.size() == cells.energy.size() &&
            cells.layer.size() == cells.energy.size());
    const Centres centres = find_centres(cells, eta, phi, window);
    std::array<double, kRingSetCount> inverse_cosh{};
    for (std::size_t set = 0; set < kRingSetCount; ++set) {
        inverse_cosh[set] = 1.0 / std::cosh(centres[set].eta);
    }
    std::array<double, kRingCount> sums{};
    for (std::size_t i = 0; i < cells.energy.size(); ++i) {
        const std::size_t layer = cells.layer[i];
        if (layer >= kRingSetCount || !(std::abs(cells.eta[i] - eta) <= window.half_width) ||
            !(std::abs(phi_distance(cells.phi[i], phi)) <= window.half_width)) {
            continue;
        }
        const RingSet& set = kRingSets[layer];
        const double distance =
            std::max(std::abs(cells.eta[i] - centres[layer].eta) / set.eta_width,
                     std::abs(phi_distance(cells.phi[i], centres[layer].phi)) / set.phi_width);
        const double floor = std::floor(distance);
        const double ring = distance - floor > 0.5 ? floor + 1.0 : floor;
        if (ring < static_cast<double>(set.count)) {
            sums[set.first + static_cast<std::size_t>(ring)] +=
                cells.energy[i] * inverse_cosh[layer];
        }
    }
    std::transform(sums.begin(), sums.end(), rings.begin(),
                   [](double sum) { return static_cast<float>(sum); });
}

std::string_view to_string(RingNormalisation normalisation) noexcept {
    return kNormalisationNames[static_cast<std::size_t>(normalisation)];
}

std::optional<RingNormalisation> find_ring_normalisation(std::string_view name) noexcept {
    const auto* found = std::find(kNormalisationNames.begin(), kNormalisationNames.end(), name);
    if (found == kNormalisationNames.end()) {
        return std::nullopt;
    }
    return static_cast<RingNormalisation>(found - kNormalisationNames.begin());
}

const std::array<std::uint8_t, kHalfRingCount>& half_ring_indices() noexcept { return kHalfRings; }

void normalise_rings(RingNormalisation normalisation, std::span<float> rings) noexcept {
    if (normalisation == RingNormalisation::none) {
        return;
    }
    if (normalisation == RingNormalisation::sequential) {
        Expects(rings.size() == kRingCount);
        for (const RingSet& set : kRingSets) {
            normalise_set_sequentially(rings.subspan(set.first, set.count));
        }
        return;
    }
    double sum = 0;
    for (const float ring : rings) {
        sum += ring;
    }
    if (normalisation == RingNormalisation::absolute_sum) {
        sum = std::abs(sum);
    }
    if (!(sum > 0)) {
        return;
    }
    for (float& ring : rings) {
        ring = static_cast<float>(ring / sum);
    }
}

}  // namespace tamis::models
