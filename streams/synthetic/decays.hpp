// Resonances, decays of W, tau and top, and initial-state radiation: what the processes share.
#pragma once

#include "streams/synthetic/hard_scatter.hpp"

namespace tamis::streams {

inline constexpr double kWMass = 80.4, kWWidth = 2.09;
inline constexpr double kZMass = 91.2, kZWidth = 2.50;
inline constexpr double kTopMass = 172.8;
inline constexpr double kTauMass = 1.777;
inline constexpr double kBottomMass = 4.8;

// Breit-Wigner, cut at `widths` full widths on either side.
[[nodiscard]] double draw_mass(RandomStream& random, double mass, double width,
                               double widths = 15.0) noexcept;

[[nodiscard]] LeptonFlavour draw_flavour(RandomStream& random) noexcept;

// tau -> l nu nu in 35 %, else hadrons and a neutrino; all collinear to the tau. The energy
// fraction of the lepton follows the unpolarised spectrum 5/3 - 3 x^2 + 4/3 x^3.
void decay_tau(RandomStream& random, const FourVector& tau, std::int32_t charge, HardScatter& out);

// W -> e, mu, tau (11 % each) or two light quarks; isotropic.
void decay_w(RandomStream& random, const FourVector& w, std::int32_t charge, HardScatter& out);

// t -> b W, the W decayed in turn; charge +1 for a top, -1 for an antitop.
void decay_top(RandomStream& random, const FourVector& top, std::int32_t charge, HardScatter& out);

// Soft leptons of the heavy hadrons in bottom and charm jets, inside their jets.
void add_heavy_flavour_leptons(RandomStream& random, HardScatter& out);

struct ProductionShape {
    double excess_mass;     // mean of (pair mass - threshold), gamma distributed with shape 1.6
    double pair_pt;         // median of the pair's transverse momentum, log-normal
    double rapidity_sigma;  // of the pair
};
// A pair of particles of the given masses from the collision of two partons.
[[nodiscard]] DecayPair draw_pair(RandomStream& random, double first_mass, double second_mass,
                                  const ProductionShape& shape) noexcept;

struct RadiationShape {
    double mean_count;  // additional jets per event, Poisson
    double start_gev;   // lowest transverse momentum
    double slope_gev;   // mean of the exponential above it
};
void add_radiation(RandomStream& random, const RadiationShape& shape, HardScatter& out);

// The partons that balance the transverse momentum of a boson: one jet, or two that share it.
void add_recoil(RandomStream& random, const FourVector& boson, double split_probability,
                HardScatter& out);

}  // namespace tamis::streams
