#include "streams/synthetic/shower.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace tamis::streams {
namespace {

struct Lateral {
    double core_weight;
    double core_eta, core_phi;  // scales, in eta and radian
    double halo_eta, halo_phi;
};

// Of electrons and photons, by layer.
constexpr std::array<Lateral, 5> kElectromagnetic = {{
    {0.75, 0.006, 0.010, 0.030, 0.040},
    {0.74, 0.0023, 0.005, 0.014, 0.030},
    {0.77, 0.0077, 0.0077, 0.034, 0.034},
    {0.60, 0.022, 0.018, 0.070, 0.050},
    {0.50, 0.050, 0.050, 0.120, 0.120},
}};
// Of hadrons, by layer.
constexpr std::array<double, kCalorimeterLayers> kHadronicScale = {0.025, 0.030, 0.035, 0.040,
                                                                   0.050, 0.055, 0.060};

// The two photons of a neutral pion are one shower, except for the strips.
constexpr double kPionStripSpread = 2.0;

void add_layer(std::size_t layer, double et, double eta, double phi, double width,
               CellGrid& grid) noexcept {
    const Lateral& shape = kElectromagnetic[layer];
    grid.deposit(layer, et * shape.core_weight, eta, phi, width * shape.core_eta,
                 width * shape.core_phi);
    grid.deposit(layer, et * (1.0 - shape.core_weight), eta, phi, width * shape.halo_eta,
                 width * shape.halo_phi);
}

}  // namespace

void add_electromagnetic_shower(RandomStream& random, double et, double eta, double phi,
                                double strip_spread, CellGrid& grid) noexcept {
    // An early start puts more into the presampler and the strips.
    const double presampler = random.gamma(1.5, 0.046);
    const double strips = std::clamp(random.normal(0.265, 0.085), 0.03, 0.7);
    const double back = random.log_normal(0.011, 0.5);
    const double leak = random.chance(0.35) ? random.exponential(0.06) : 0.0;
    const double front = std::min(0.9, presampler + strips);
    const double scale = front / (presampler + strips);
    const double middle = std::max(0.05, 1.0 - front - back - leak);
    const double width = random.log_normal(1.0, 0.27);
    add_layer(0, et * presampler * scale, eta, phi, width, grid);
    add_layer(1, et * strips * scale, eta, phi, width * strip_spread, grid);
    add_layer(2, et * middle, eta, phi, width, grid);
    add_layer(3, et * back, eta, phi, width, grid);
    if (leak > 0.0) {
        add_layer(4, et * leak, eta, phi, 1.0, grid);
    }
}

void add_hadronic_shower(RandomStream& random, double et, double eta, double phi,
                         CellGrid& grid) noexcept {
    // Energy by layer for a shower that starts in the electromagnetic part or behind it.
    const double early = random.chance(0.6) ? random.uniform(0.3, 0.9) : random.uniform(0.02, 0.2);
    const double depth = random.uniform();
    const double late = 1.0 - early;
    const std::array<double, kCalorimeterLayers> share = {
        0.05 * early,
        0.20 * early,
        0.57 * early,
        0.18 * early,
        late * (1.0 - 0.75 * depth),
        late * 0.68 * depth,
        late * 0.07 * depth,
    };
    const double width = random.log_normal(1.0, 0.4);
    for (std::size_t layer = 0; layer < kCalorimeterLayers; ++layer) {
        const double scale = width * kHadronicScale[layer];
        grid.deposit(layer, et * share[layer], eta, phi, scale, scale);
    }
}

void add_jet(RandomStream& random, double et, double eta, double phi, CellGrid& grid) noexcept {
    constexpr std::uint32_t kMostParticles = 12;
    const std::uint32_t count = std::min(kMostParticles, 2 + random.poisson(5.0));
    std::array<double, kMostParticles> share{};
    double total = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        share[i] = random.gamma(0.8, 1.0);
        total += share[i];
    }
    // Some jets are little more than one neutral pion: the fakes that are hard to tell.
    if (random.chance(0.10)) {
        share[0] += total * random.uniform(1.0, 8.0);
        total = std::accumulate(share.begin(), share.end(), 0.0);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const double particle_et = et * share[i] / total;
        // Harder particles lie closer to the axis.
        const double spread = std::min(0.18, 0.23 / std::sqrt(particle_et + 2.0));
        const double at_eta = eta + random.normal(0.0, spread);
        const double at_phi = phi + random.normal(0.0, spread);
        if (random.chance(0.45)) {
            add_electromagnetic_shower(random, particle_et, at_eta, at_phi, kPionStripSpread, grid);
        } else {
            add_hadronic_shower(random, particle_et, at_eta, at_phi, grid);
        }
    }
}

}  // namespace tamis::streams
