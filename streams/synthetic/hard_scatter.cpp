#include "streams/synthetic/hard_scatter.hpp"

#include <algorithm>
#include <array>

#include "streams/synthetic/decays.hpp"

namespace tamis::streams {
namespace {

// cos(theta) of a vector boson's decay against the beam, 1 + cos^2, by rejection.
double draw_drell_yan_cosine(RandomStream& random) noexcept {
    for (;;) {
        const double x = random.uniform(-1.0, 1.0);
        if (2.0 * random.uniform() < 1.0 + x * x) {
            return x;
        }
    }
}

// Transverse momentum of a W or Z: a soft peak from multiple emission and a hard tail.
double draw_boson_pt(RandomStream& random, double hard_fraction) noexcept {
    if (random.chance(hard_fraction)) {
        return random.log_normal(30.0, 0.75);
    }
    return random.gamma(1.7, 5.5);
}

FourVector draw_boson(RandomStream& random, double mass, double hard_fraction,
                      double rapidity_sigma) noexcept {
    const double pt = std::min(draw_boson_pt(random, hard_fraction), 1000.0);
    const double rapidity = random.normal(0.0, rapidity_sigma);
    return FourVector::from_pt_rapidity_phi_mass(pt, rapidity, random.angle(), mass);
}

void draw_w(RandomStream& random, HardScatter& out) {
    const double mass = draw_mass(random, kWMass, kWWidth);
    const FourVector w = draw_boson(random, mass, 0.28, 1.9);
    const DecayPair pair =
        two_body_decay(w, 0.0, 0.0, draw_drell_yan_cosine(random), random.angle());
    const std::int32_t charge = random.chance(0.583) ? 1 : -1;
    out.leptons.push_back({.p = pair.first, .flavour = draw_flavour(random), .charge = charge});
    out.neutrinos += pair.second;
    add_recoil(random, w, 0.3, out);
    add_radiation(random, {0.10, 15.0, 14.0}, out);
}

void draw_z(RandomStream& random, HardScatter& out) {
    const bool photon = random.chance(0.15);  // the low-mass part of the Drell-Yan spectrum
    const double mass = photon ? random.uniform(15.0, 85.0) : draw_mass(random, kZMass, kZWidth);
    const FourVector z = draw_boson(random, mass, 0.3, 1.9);
    const DecayPair pair =
        two_body_decay(z, 0.0, 0.0, draw_drell_yan_cosine(random), random.angle());
    const LeptonFlavour flavour = draw_flavour(random);
    const std::int32_t charge = random.chance(0.5) ? 1 : -1;
    out.leptons.push_back({.p = pair.first, .flavour = flavour, .charge = charge});
    out.leptons.push_back({.p = pair.second, .flavour = flavour, .charge = -charge});
    add_recoil(random, z, 0.3, out);
    add_radiation(random, {0.10, 15.0, 14.0}, out);
}

// A heavy-flavour jet with a lepton above threshold, its neutrino and hadrons, against another jet.
void draw_qcd(RandomStream& random, HardScatter& out) {
    const bool bottom = random.chance(0.85);
    const PartonFlavour flavour = bottom ? PartonFlavour::bottom : PartonFlavour::charm;
    const double pt = 22.0 * std::pow(random.uniform(), -1.0 / 3.6);
    const double eta = random.uniform(-2.6, 2.6);
    const double phi = random.angle();
    const double neutrino_pt = random.gamma(1.2, 6.5);
    const double companions_pt = pt * random.gamma(1.5, 0.33);
    const std::int32_t charge = random.chance(0.5) ? 1 : -1;
    out.leptons.push_back({.p = FourVector::from_pt_eta_phi_mass(pt, eta, phi, 0.0),
                           .flavour = draw_flavour(random),
                           .charge = charge,
                           .is_prompt = false,
                           .companions_pt = companions_pt,
                           .jet_flavour = flavour});
    out.neutrinos += FourVector::from_pt_eta_phi_mass(neutrino_pt, eta, phi, 0.0);
    const double jet_pt = pt + companions_pt + neutrino_pt;
    const FourVector jet = FourVector::from_pt_eta_phi_mass(jet_pt, eta, phi, 0.0);
    const double other_pt = jet_pt * std::max(0.3, random.normal(0.80, 0.25));
    const double other_eta = 0.6 * eta + random.normal(0.0, 1.8);
    const double other_phi = jet.phi() + std::numbers::pi + random.normal(0.0, 0.35);
    const bool same = random.chance(0.7);
    out.partons.push_back({FourVector::from_pt_eta_phi_mass(other_pt, other_eta, other_phi, 0.0),
                           same ? flavour : PartonFlavour::light});
    add_radiation(random, {0.45, 15.0, 18.0}, out);
}

void draw_ttbar(RandomStream& random, HardScatter& out) {
    const DecayPair tops = draw_pair(random, kTopMass, kTopMass, {105.0, 26.0, 1.3});
    decay_top(random, tops.first, 1, out);
    decay_top(random, tops.second, -1, out);
    add_radiation(random, {0.9, 18.0, 36.0}, out);
}

// A scalar of low mass passes a lepton threshold mostly when it recoils against jets or is made
// together with heavy particles; the two are drawn in the proportion found after preselection.
FourVector draw_light_scalar(RandomStream& random, double mass, HardScatter& out) {
    const double channel = random.uniform();
    if (channel < 0.03) {
        const DecayPair pair = draw_pair(random, mass, 2.0 * kTopMass + 60.0, {150.0, 25.0, 1.0});
        const DecayPair tops = isotropic_decay(random, pair.second, kTopMass, kTopMass);
        decay_top(random, tops.first, 1, out);
        decay_top(random, tops.second, -1, out);
        return pair.first;
    }
    if (channel < 0.06) {
        const DecayPair pair = draw_pair(random, mass, kZMass, {110.0, 20.0, 1.5});
        const DecayPair leptons = isotropic_decay(random, pair.second, 0.0, 0.0);
        if (random.chance(0.07)) {
            const LeptonFlavour flavour = draw_flavour(random);
            out.leptons.push_back({.p = leptons.first, .flavour = flavour, .charge = 1});
            out.leptons.push_back({.p = leptons.second, .flavour = flavour, .charge = -1});
        } else {
            out.partons.push_back({leptons.first, PartonFlavour::light});
            out.partons.push_back({leptons.second, PartonFlavour::light});
        }
        return pair.first;
    }
    const FourVector scalar = draw_boson(random, mass, 0.6, 2.0);
    add_recoil(random, scalar, 0.4, out);
    add_radiation(random, {0.3, 15.0, 18.0}, out);
    return scalar;
}

// A -> Z* Z* -> 4 l: two pairs of equal flavour; the pair masses share what the 50 GeV leave.
void draw_a_to_4l(RandomStream& random, HardScatter& out) {
    constexpr double kMass = 50.0;
    const FourVector scalar = draw_light_scalar(random, kMass, out);
    const double first = kMass * random.uniform(0.15, 0.75);
    const double second = (kMass - first) * random.uniform(0.15, 0.9);
    const DecayPair pairs = isotropic_decay(random, scalar, first, second);
    for (const FourVector& pair : {pairs.first, pairs.second}) {
        const DecayPair leptons = isotropic_decay(random, pair, 0.0, 0.0);
        const LeptonFlavour flavour = draw_flavour(random);
        out.leptons.push_back({.p = leptons.first, .flavour = flavour, .charge = 1});
        out.leptons.push_back({.p = leptons.second, .flavour = flavour, .charge = -1});
    }
}

void draw_lq_to_b_tau(RandomStream& random, HardScatter& out) {
    constexpr double kMass = 80.0;
    const DecayPair pair = draw_pair(random, kMass, kMass, {90.0, 22.0, 1.3});
    std::int32_t charge = 1;
    for (const FourVector& leptoquark : {pair.first, pair.second}) {
        const DecayPair decay = isotropic_decay(random, leptoquark, kTauMass, kBottomMass);
        decay_tau(random, decay.first, charge, out);
        out.partons.push_back({decay.second, PartonFlavour::bottom});
        charge = -charge;
    }
    add_radiation(random, {0.5, 18.0, 30.0}, out);
}

void draw_h0_to_tau_tau(RandomStream& random, HardScatter& out) {
    const FourVector scalar = draw_light_scalar(random, 60.0, out);
    const DecayPair taus = isotropic_decay(random, scalar, kTauMass, kTauMass);
    decay_tau(random, taus.first, 1, out);
    decay_tau(random, taus.second, -1, out);
}

// Made with a top (and a bottom quark), as a charged scalar of 60 GeV is.
void draw_hpm_to_tau_nu(RandomStream& random, HardScatter& out) {
    const std::int32_t charge = random.chance(0.5) ? 1 : -1;
    const DecayPair pair = draw_pair(random, 60.0, kTopMass, {150.0, 35.0, 1.1});
    const DecayPair decay = isotropic_decay(random, pair.first, kTauMass, 0.0);
    decay_tau(random, decay.first, charge, out);
    out.neutrinos += decay.second;
    decay_top(random, pair.second, -charge, out);
    const double spectator_pt = random.exponential(25.0);
    const double spectator_eta = random.normal(0.0, 2.0);
    out.partons.push_back(
        {FourVector::from_pt_eta_phi_mass(spectator_pt, spectator_eta, random.angle(), kBottomMass),
         PartonFlavour::bottom});
    add_radiation(random, {0.5, 20.0, 30.0}, out);
}

using Draw = void (*)(RandomStream&, HardScatter&);
constexpr std::array<Draw, kSyntheticProcesses> kDraw = {draw_w,
                                                         draw_qcd,
                                                         draw_z,
                                                         draw_ttbar,
                                                         draw_a_to_4l,
                                                         draw_lq_to_b_tau,
                                                         draw_h0_to_tau_tau,
                                                         draw_hpm_to_tau_nu};

}  // namespace

void draw_hard_scatter(SyntheticProcess process, RandomStream& random, HardScatter& out) {
    out.clear();
    kDraw[static_cast<std::size_t>(process)](random, out);
    add_heavy_flavour_leptons(random, out);
}

}  // namespace tamis::streams
