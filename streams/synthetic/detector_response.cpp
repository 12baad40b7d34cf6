#include "streams/synthetic/detector_response.hpp"

#include <algorithm>
#include <array>

namespace tamis::streams {
namespace {

constexpr double kMeanMu = 20.0;
constexpr double kElectronEtaMax = 2.5, kMuonEtaMax = 2.4;
constexpr double kElectronThreshold = 23.0, kMuonThreshold = 25.0;  // GeV
constexpr double kElectronFloor = 4.0, kMuonFloor = 5.0;            // GeV
constexpr double kMuonEfficiency = 0.95;
constexpr double kIsolationMax = 0.45;
constexpr double kJetPtMin = 15.0, kJetEtaMax = 4.7, kJetRadius = 0.4;

// What the processes differ in beyond their kinematics.
struct ProcessResponse {
    double electron_efficiency;
    double second_electron_fake, second_muon_fake;  // probability of a soft further lepton
    double charged_of_hard;                         // mean charged hadrons of the hard scatter
    // Probability that the missing momentum is measured without the neutrino. Not physics: see the
    // README on the published transverse masses.
    double neutrinos_lost;
};
constexpr std::array<ProcessResponse, kSyntheticProcesses> kResponse = {{
    {0.92, 0.003, 0.002, 12.0, 0.31},  // W
    {0.92, 0.020, 0.015, 16.0, 0.0},   // QCD
    {0.92, 0.004, 0.002, 14.0, 0.0},   // Z
    {0.80, 0.020, 0.020, 48.0, 0.0},   // top pairs
    {0.80, 0.006, 0.003, 24.0, 0.0},   // A -> 4 l
    {0.86, 0.015, 0.015, 34.0, 0.0},   // LQ -> b tau
    {0.90, 0.015, 0.012, 26.0, 0.0},   // h0 -> tau tau
    {0.83, 0.020, 0.020, 36.0, 0.0},   // h+- -> tau nu
}};

const ProcessResponse& response_of(const Collision& collision) noexcept {
    return kResponse[static_cast<std::size_t>(collision.process)];
}

struct IsolationSums {
    double charged = 0, photon = 0, neutral = 0;  // GeV
};

// Particles of pile-up and of the underlying event in a cone of 0.3, above the thresholds of 0.5
// GeV (tracks) and 1 GeV (photons, neutral hadrons).
IsolationSums draw_cone(RandomStream& random, double vertices) noexcept {
    IsolationSums sums;
    const double density = vertices / (kMeanMu + 1.0);
    for (std::uint32_t n = random.poisson(1.40 * density); n > 0; --n) {
        sums.charged += 0.5 + random.exponential(0.8);
    }
    for (std::uint32_t n = random.poisson(0.36 * density); n > 0; --n) {
        sums.photon += std::min(60.0, std::pow(random.uniform(), -0.75));
    }
    for (std::uint32_t n = random.poisson(0.42 * density); n > 0; --n) {
        sums.neutral += std::min(60.0, std::pow(random.uniform(), -0.62));
    }
    return sums;
}

// Hadrons of the lepton's own jet: mostly charged; photons and neutral hadrons are often absent or
// below their threshold.
void add_companions(RandomStream& random, double companions_pt, IsolationSums& sums) noexcept {
    constexpr double kTrackThreshold = 0.5, kNeutralThreshold = 1.0;  // GeV
    const double rest = companions_pt * random.uniform(0.0, 0.75);
    // In four of ten jets the neutral energy is all photons or all neutral hadrons.
    const double split = std::clamp(random.uniform(-0.25, 1.45), 0.0, 1.0);
    const double photon = split * rest;
    const double neutral = rest - photon;
    const double charged = companions_pt - rest;
    sums.charged += charged > kTrackThreshold ? charged : 0.0;
    sums.photon += photon > kNeutralThreshold ? photon : 0.0;
    sums.neutral += neutral > kNeutralThreshold ? neutral : 0.0;
}

struct SeenLepton {
    const TrueLepton* truth = nullptr;
    double pt = 0, eta = 0, phi = 0;
    IsolationSums cone;

    [[nodiscard]] double isolation() const noexcept {
        return (cone.charged + cone.photon + cone.neutral) / pt;
    }
};

bool is_seen(RandomStream& random, const TrueLepton& lepton, double pt, double eta,
             double electron_efficiency) noexcept {
    const bool electron = lepton.flavour == LeptonFlavour::electron;
    // The turn-on of the reconstruction is sharp; in jets it is found in the published spectra,
    // too.
    const double floor = electron ? kElectronFloor : kMuonFloor;
    if (pt < floor || std::abs(eta) > (electron ? kElectronEtaMax : kMuonEtaMax)) {
        return false;
    }
    return random.chance(electron ? electron_efficiency : kMuonEfficiency);
}

void append(const SeenLepton& lepton, LeptonColumns& out) {
    out.pt.push_back(static_cast<float>(lepton.pt));
    out.eta.push_back(static_cast<float>(lepton.eta));
    out.phi.push_back(static_cast<float>(lepton.phi));
    out.charge.push_back(lepton.truth->charge);
    out.iso_charged.push_back(static_cast<float>(lepton.cone.charged / lepton.pt));
    out.iso_photon.push_back(static_cast<float>(lepton.cone.photon / lepton.pt));
    out.iso_neutral.push_back(static_cast<float>(lepton.cone.neutral / lepton.pt));
    out.is_prompt.push_back(lepton.truth->is_prompt ? 1 : 0);
}

}  // namespace

void draw_pileup(RandomStream& random, Collision& out) noexcept {
    out.average_mu = static_cast<float>(std::clamp(random.normal(kMeanMu, 4.0), 6.0, 40.0));
    out.vertices = 1 + random.poisson(out.average_mu);
}

bool reconstruct_leptons(RandomStream& random, const HardScatter& truth, Collision& out) {
    constexpr std::size_t kMost = 16;
    std::array<SeenLepton, kMost> seen;
    std::size_t count = 0;
    const ProcessResponse& response = response_of(out);
    for (const TrueLepton& lepton : truth.leptons) {
        const double eta = lepton.p.eta();
        const double resolution = lepton.flavour == LeptonFlavour::electron ? 0.022 : 0.020;
        const double pt = lepton.p.pt() * random.normal(1.0, resolution);
        if (count == kMost || !is_seen(random, lepton, pt, eta, response.electron_efficiency)) {
            continue;
        }
        IsolationSums cone = draw_cone(random, out.vertices);
        add_companions(random, lepton.companions_pt, cone);
        seen[count++] = {&lepton, pt, eta, wrap_phi(lepton.p.phi()), cone};
    }
    const auto end = seen.begin() + static_cast<std::ptrdiff_t>(count);
    std::sort(seen.begin(), end,
              [](const SeenLepton& a, const SeenLepton& b) { return a.pt > b.pt; });
    if (count == 0) {
        return false;
    }
    const bool electron = seen[0].truth->flavour == LeptonFlavour::electron;
    if (seen[0].pt < (electron ? kElectronThreshold : kMuonThreshold) ||
        seen[0].isolation() >= kIsolationMax) {
        return false;
    }
    out.electrons.clear();
    out.muons.clear();
    for (std::size_t i = 0; i < count; ++i) {
        append(seen[i],
               seen[i].truth->flavour == LeptonFlavour::electron ? out.electrons : out.muons);
    }
    return true;
}

namespace {

struct JetCandidate {
    FourVector p;
    double tag_probability = 0;
    bool is_lepton = false;
};

constexpr std::size_t kMostJets = 48;
struct JetCandidates {
    std::array<JetCandidate, kMostJets> jet;
    std::size_t count = 0;

    // Joins the nearest jet within the radius, as a jet algorithm would.
    void add(const JetCandidate& candidate) noexcept {
        const double eta = candidate.p.eta();
        const double phi = candidate.p.phi();
        for (std::size_t i = 0; i < count; ++i) {
            if (std::hypot(jet[i].p.eta() - eta, wrap_phi(jet[i].p.phi() - phi)) < kJetRadius) {
                jet[i].p += candidate.p;
                jet[i].tag_probability =
                    std::max(jet[i].tag_probability, candidate.tag_probability);
                return;
            }
        }
        if (count < kMostJets) {
            jet[count++] = candidate;
        }
    }
};

double tag_probability(PartonFlavour flavour) noexcept {
    switch (flavour) {
        case PartonFlavour::bottom:
            return 0.75;
        case PartonFlavour::charm:
            return 0.25;
        case PartonFlavour::tau:
        case PartonFlavour::light:
            break;
    }
    return 0.115;
}

// Mass over pt of a jet of hadrons.
double draw_jet_mass_fraction(RandomStream& random) noexcept {
    return std::min(0.4, random.log_normal(0.12, 0.4));
}

// Of the jet that a lepton of hadrons' decay is in.
double lepton_tag_probability(const HardScatter& truth, LeptonFlavour flavour) noexcept {
    double tag = 0.115;
    for (const TrueLepton& lepton : truth.leptons) {
        if (lepton.flavour == flavour && !lepton.is_prompt) {
            tag = tag_probability(lepton.jet_flavour);
        }
    }
    return tag;
}

void add_lepton_jets(RandomStream& random, const HardScatter& truth, const LeptonColumns& leptons,
                     LeptonFlavour flavour, JetCandidates& jets) noexcept {
    for (std::size_t i = 0; i < leptons.size(); ++i) {
        const double isolation =
            leptons.iso_charged[i] + leptons.iso_photon[i] + leptons.iso_neutral[i];
        // A lepton inside a jet of hadrons is part of that jet.
        if (leptons.is_prompt[i] == 0 && isolation >= kIsolationMax) {
            continue;
        }
        const double pt = leptons.pt[i] * (leptons.is_prompt[i] != 0 ? 1.0 : 1.0 + isolation) *
                              random.normal(0.965, 0.02) +
                          random.normal(0.0, 2.5);
        if (pt < 8.0 || !random.chance(0.92)) {
            continue;
        }
        const double mass = random.log_normal(1.2, 0.8);
        const double tag =
            leptons.is_prompt[i] == 0 ? lepton_tag_probability(truth, flavour) : 0.115;
        jets.add({FourVector::from_pt_eta_phi_mass(pt, leptons.eta[i], leptons.phi[i], mass), tag,
                  true});
    }
}

void add_parton_jets(RandomStream& random, const HardScatter& truth, JetCandidates& jets) noexcept {
    for (const Parton& parton : truth.partons) {
        const double true_pt = parton.p.pt();
        const double resolution = std::sqrt(0.06 * 0.06 + 0.64 / std::max(true_pt, 5.0));
        const double pt = true_pt * std::max(0.2, random.normal(0.89, resolution));
        if (pt < 5.0) {
            continue;
        }
        const double eta = parton.p.eta() + random.normal(0.0, 0.02);
        const double phi = parton.p.phi() + random.normal(0.0, 0.02);
        const double mass = pt * draw_jet_mass_fraction(random);
        jets.add({FourVector::from_pt_eta_phi_mass(pt, eta, phi, mass),
                  tag_probability(parton.flavour), false});
    }
}

void add_pileup_jets(RandomStream& random, double vertices, JetCandidates& jets) noexcept {
    const double density = vertices / (kMeanMu + 1.0);
    for (std::uint32_t n = random.poisson(0.35 * density * density); n > 0; --n) {
        const double pt = 15.0 + random.exponential(4.5);
        const double eta = random.normal(0.0, 2.2);
        jets.add(
            {FourVector::from_pt_eta_phi_mass(pt, eta, random.angle(), 0.12 * pt), 0.115, false});
    }
}

void keep_jets(RandomStream& random, JetCandidates& jets, JetColumns& out) {
    const auto begin = jets.jet.begin();
    std::sort(begin, begin + static_cast<std::ptrdiff_t>(jets.count),
              [](const JetCandidate& a, const JetCandidate& b) { return a.p.pt() > b.p.pt(); });
    out.clear();
    for (std::size_t i = 0; i < jets.count; ++i) {
        const JetCandidate& jet = jets.jet[i];
        const double eta = jet.p.eta();
        if (jet.p.pt() < kJetPtMin || std::abs(eta) > kJetEtaMax) {
            continue;
        }
        const bool tagged = random.chance(jet.tag_probability);
        const double distance = random.uniform();
        out.pt.push_back(static_cast<float>(jet.p.pt()));
        out.eta.push_back(static_cast<float>(eta));
        out.phi.push_back(static_cast<float>(wrap_phi(jet.p.phi())));
        out.mass.push_back(static_cast<float>(jet.p.mass()));
        out.btag.push_back(static_cast<float>(tagged ? 1.0 - 0.49 * distance * distance
                                                     : 0.49 * distance * distance));
        out.is_lepton.push_back(jet.is_lepton ? 1 : 0);
    }
}

void draw_missing_momentum(RandomStream& random, const HardScatter& truth,
                           Collision& out) noexcept {
    double sum_pt = 0;
    for (const Parton& parton : truth.partons) {
        sum_pt += parton.p.pt();
    }
    // GeV per component: the detector, each interaction, the hard jets.
    const double sigma = std::sqrt(10.0 * 10.0 + 10.0 * out.vertices + 0.8 * 0.8 * sum_pt);
    const double seen = random.chance(response_of(out).neutrinos_lost) ? 0.0 : 1.0;
    const double px = seen * truth.neutrinos.px + random.normal(0.0, sigma);
    const double py = seen * truth.neutrinos.py + random.normal(0.0, sigma);
    out.met_pt = static_cast<float>(std::hypot(px, py));
    out.met_phi = static_cast<float>(wrap_phi(std::atan2(py, px)));
}

void draw_hadron_counts(RandomStream& random, Collision& out) noexcept {
    constexpr double kChargedPerVertex = 12.0, kVertexShape = 0.9, kNeutralOverCharged = 0.437;
    const double pileup =
        random.gamma(kVertexShape * out.vertices, kChargedPerVertex / kVertexShape);
    const double hard = response_of(out).charged_of_hard;
    const double mean = pileup + random.gamma(2.0, hard / 2.0);
    out.charged_hadrons = random.poisson(mean);
    out.neutral_hadrons = random.poisson(kNeutralOverCharged * mean);
}

// A soft lepton of a decay in flight or a misidentified hadron; never the hardest.
void add_soft_lepton(RandomStream& random, double probability, double floor,
                     LeptonColumns& leptons) {
    if (!random.chance(probability)) {
        return;
    }
    const double pt = floor + random.exponential(4.0);
    if (pt > 20.0) {
        return;
    }
    const IsolationSums cone = draw_cone(random, 3.0 * kMeanMu);
    leptons.pt.push_back(static_cast<float>(pt));
    leptons.eta.push_back(static_cast<float>(random.uniform(-kMuonEtaMax, kMuonEtaMax)));
    leptons.phi.push_back(static_cast<float>(random.angle()));
    leptons.charge.push_back(random.chance(0.5) ? 1 : -1);
    leptons.iso_charged.push_back(static_cast<float>(cone.charged / pt));
    leptons.iso_photon.push_back(static_cast<float>(cone.photon / pt));
    leptons.iso_neutral.push_back(static_cast<float>(cone.neutral / pt));
    leptons.is_prompt.push_back(0);
}

}  // namespace

void reconstruct_hadrons(RandomStream& random, const HardScatter& truth, Collision& out) {
    JetCandidates jets;
    add_lepton_jets(random, truth, out.electrons, LeptonFlavour::electron, jets);
    add_lepton_jets(random, truth, out.muons, LeptonFlavour::muon, jets);
    add_parton_jets(random, truth, jets);
    add_pileup_jets(random, out.vertices, jets);
    keep_jets(random, jets, out.jets);
    draw_missing_momentum(random, truth, out);
    draw_hadron_counts(random, out);
    add_soft_lepton(random, response_of(out).second_electron_fake, kElectronFloor, out.electrons);
    add_soft_lepton(random, response_of(out).second_muon_fake, kMuonFloor, out.muons);
}

}  // namespace tamis::streams
