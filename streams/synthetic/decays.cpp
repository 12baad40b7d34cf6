#include "streams/synthetic/decays.hpp"

#include <algorithm>

namespace tamis::streams {
namespace {

constexpr double kTauToLepton = 0.352;
constexpr double kWToOneFlavour = 0.1086;

// x in (0, 1) of tau -> l nu nu, by rejection under the maximum at x = 0.
double draw_tau_lepton_fraction(RandomStream& random) noexcept {
    for (;;) {
        const double x = random.uniform();
        const double density = 5.0 / 3.0 - 3.0 * x * x + 4.0 / 3.0 * x * x * x;
        if (random.uniform() * (5.0 / 3.0) < density) {
            return x;
        }
    }
}

}  // namespace

void HardScatter::clear() noexcept {
    leptons.clear();
    partons.clear();
    neutrinos = {};
}

double draw_mass(RandomStream& random, double mass, double width, double widths) noexcept {
    const double limit = std::atan(2.0 * widths);
    return mass + 0.5 * width * std::tan(limit * random.uniform(-1.0, 1.0));
}

LeptonFlavour draw_flavour(RandomStream& random) noexcept {
    return random.chance(0.5) ? LeptonFlavour::electron : LeptonFlavour::muon;
}

void decay_tau(RandomStream& random, const FourVector& tau, std::int32_t charge, HardScatter& out) {
    if (random.chance(kTauToLepton)) {
        const double x = draw_tau_lepton_fraction(random);
        out.leptons.push_back({.p = x * tau, .flavour = draw_flavour(random), .charge = charge});
        out.neutrinos += (1.0 - x) * tau;
        return;
    }
    const double visible = 0.25 + 0.75 * std::sqrt(random.uniform());
    out.partons.push_back({visible * tau, PartonFlavour::tau});
    out.neutrinos += (1.0 - visible) * tau;
}

void decay_w(RandomStream& random, const FourVector& w, std::int32_t charge, HardScatter& out) {
    const DecayPair pair = isotropic_decay(random, w, 0.0, 0.0);
    const double channel = random.uniform();
    if (channel < 2.0 * kWToOneFlavour) {
        out.leptons.push_back({.p = pair.first, .flavour = draw_flavour(random), .charge = charge});
        out.neutrinos += pair.second;
    } else if (channel < 3.0 * kWToOneFlavour) {
        decay_tau(random, pair.first, charge, out);
        out.neutrinos += pair.second;
    } else {
        const bool charm = random.chance(0.5);
        out.partons.push_back({pair.first, PartonFlavour::light});
        out.partons.push_back({pair.second, charm ? PartonFlavour::charm : PartonFlavour::light});
    }
}

void decay_top(RandomStream& random, const FourVector& top, std::int32_t charge, HardScatter& out) {
    const double w_mass = draw_mass(random, kWMass, kWWidth);
    const DecayPair pair = isotropic_decay(random, top, w_mass, kBottomMass);
    decay_w(random, pair.first, charge, out);
    out.partons.push_back({pair.second, PartonFlavour::bottom});
}

void add_heavy_flavour_leptons(RandomStream& random, HardScatter& out) {
    for (const Parton& parton : out.partons) {
        const double probability = parton.flavour == PartonFlavour::bottom  ? 0.30
                                   : parton.flavour == PartonFlavour::charm ? 0.12
                                                                            : 0.0;
        if (!random.chance(probability)) {
            continue;
        }
        const double share = std::min(0.6, random.exponential(0.2));
        out.leptons.push_back({.p = share * parton.p,
                               .flavour = draw_flavour(random),
                               .charge = random.chance(0.5) ? 1 : -1,
                               .is_prompt = false,
                               .companions_pt = (1.0 - share) * parton.p.pt(),
                               .jet_flavour = parton.flavour});
    }
}

DecayPair draw_pair(RandomStream& random, double first_mass, double second_mass,
                    const ProductionShape& shape) noexcept {
    constexpr double kShape = 1.6;
    const double mass = first_mass + second_mass + random.gamma(kShape, shape.excess_mass / kShape);
    const double pt = std::min(random.log_normal(shape.pair_pt, 0.9), 600.0);
    const double rapidity = random.normal(0.0, shape.rapidity_sigma);
    const FourVector pair =
        FourVector::from_pt_rapidity_phi_mass(pt, rapidity, random.angle(), mass);
    return isotropic_decay(random, pair, first_mass, second_mass);
}

void add_radiation(RandomStream& random, const RadiationShape& shape, HardScatter& out) {
    const std::uint32_t count = random.poisson(random.exponential(shape.mean_count));
    for (std::uint32_t i = 0; i < count; ++i) {
        const double pt = shape.start_gev + random.exponential(shape.slope_gev);
        const double eta = random.normal(0.0, 2.0);
        const auto flavour = random.chance(0.08)   ? PartonFlavour::charm
                             : random.chance(0.04) ? PartonFlavour::bottom
                                                   : PartonFlavour::light;
        out.partons.push_back(
            {FourVector::from_pt_eta_phi_mass(pt, eta, random.angle(), 0.0), flavour});
    }
}

void add_recoil(RandomStream& random, const FourVector& boson, double split_probability,
                HardScatter& out) {
    const double pt = boson.pt();
    const double away = boson.phi() + std::numbers::pi;
    const auto add = [&](double jet_pt, double phi) {
        const double eta = random.normal(0.0, 1.9);
        const auto flavour = random.chance(0.1) ? PartonFlavour::charm : PartonFlavour::light;
        out.partons.push_back({FourVector::from_pt_eta_phi_mass(jet_pt, eta, phi, 0.0), flavour});
    };
    if (!random.chance(split_probability)) {
        add(pt * random.uniform(0.8, 1.0), away);
        return;
    }
    const double share = random.uniform(0.25, 0.75);
    const double opening = random.uniform(0.2, 1.2);
    add(share * pt, away + opening * (1.0 - share));
    add((1.0 - share) * pt, away - opening * share);
}

}  // namespace tamis::streams
