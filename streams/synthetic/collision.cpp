#include "streams/synthetic/collision.hpp"

namespace tamis::streams {
namespace {

LeptonArrays arrays_of(const LeptonColumns& leptons) noexcept {
    return {.pt = leptons.pt,
            .eta = leptons.eta,
            .phi = leptons.phi,
            .charge = leptons.charge,
            .iso_charged = leptons.iso_charged,
            .iso_photon = leptons.iso_photon,
            .iso_neutral = leptons.iso_neutral};
}

}  // namespace

void LeptonColumns::clear() noexcept {
    pt.clear();
    eta.clear();
    phi.clear();
    charge.clear();
    iso_charged.clear();
    iso_photon.clear();
    iso_neutral.clear();
    is_prompt.clear();
}

void JetColumns::clear() noexcept {
    pt.clear();
    eta.clear();
    phi.clear();
    mass.clear();
    btag.clear();
    is_lepton.clear();
}

PhysicsObjects Collision::view() const noexcept {
    PhysicsObjects objects;
    objects.electrons = arrays_of(electrons);
    objects.muons = arrays_of(muons);
    objects.jets = {
        .pt = jets.pt, .eta = jets.eta, .phi = jets.phi, .mass = jets.mass, .btag = jets.btag};
    objects.met_pt = met_pt;
    objects.met_phi = met_phi;
    objects.charged_hadrons = charged_hadrons;
    objects.neutral_hadrons = neutral_hadrons;
    objects.vertices = vertices;
    return objects;
}

}  // namespace tamis::streams
