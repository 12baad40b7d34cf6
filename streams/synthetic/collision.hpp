// One synthetic collision as the experiment would reconstruct it: leptons, jets, missing momentum,
// hadron counts, vertices. Generated from kinematics (resonances, decays, a parametric detector),
// so that what is derived from the objects is correlated as in nature. After the preselection of
// arXiv:1811.10276: the hardest lepton has pt > 23 GeV (electron) or 25 GeV (muon) and an isolation
// below 0.45. As in that sample, jets are not cleaned of leptons: a hard lepton is a jet, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "streams/payloads.hpp"
#include "streams/synthetic/process.hpp"

namespace tamis::streams {

// By falling pt; columns have equal length. Units as in PhysicsObjects.
struct LeptonColumns {
    std::vector<float> pt, eta, phi;
    std::vector<std::int32_t> charge;
    std::vector<float> iso_charged, iso_photon, iso_neutral;
    std::vector<std::uint8_t> is_prompt;  // truth: from W, Z, tau or a signal; not of a jet

    [[nodiscard]] std::size_t size() const noexcept { return pt.size(); }
    void clear() noexcept;
};

// By falling pt, above 15 GeV, |eta| < 4.7.
struct JetColumns {
    std::vector<float> pt, eta, phi, mass, btag;
    std::vector<std::uint8_t> is_lepton;  // truth: the jet is a hard lepton and what lies around it

    [[nodiscard]] std::size_t size() const noexcept { return pt.size(); }
    void clear() noexcept;
};

struct Collision {
    SyntheticProcess process = SyntheticProcess::w;  // truth
    float average_mu = 0;                            // mean interactions of this bunch crossing
    std::uint32_t vertices = 0;
    LeptonColumns electrons, muons;
    JetColumns jets;
    float met_pt = 0, met_phi = 0;
    std::uint32_t charged_hadrons = 0, neutral_hadrons = 0;

    // Lives as long as the collision is not changed.
    [[nodiscard]] PhysicsObjects view() const noexcept;
};

}  // namespace tamis::streams
