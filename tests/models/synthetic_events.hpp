// Collisions of the synthetic source as events of one fragment, for tests of models.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/event_inputs.hpp"
#include "streams/synthetic/collision_generator.hpp"
#include "tests/models/event_maker.hpp"

namespace tamis::tests {

// Synthetic events as they would arrive, each with its inputs attached.
class SyntheticEvents {
 public:
    explicit SyntheticEvents(std::size_t count) : events_(count), inputs_(count) {
        streams::Collision collision;
        for (std::size_t i = 0; i < count; ++i) {
            streams::generate_collision(3, 1, i + 1, streams::EventMix::standard_model(),
                                        collision);
            events_[i] = event_of(to_wire(collision));
            inputs_[i].attach(events_[i]);
            pointers_.push_back(&inputs_[i]);
        }
    }
    [[nodiscard]] std::span<models::EventInputs* const> all() const { return pointers_; }
    [[nodiscard]] std::span<models::EventInputs* const> part(std::size_t first,
                                                             std::size_t count) const {
        return all().subspan(first, count);
    }

 private:
    static void add_leptons(const streams::LeptonColumns& from, bool electrons,
                            wire::PhysicsObjects& to) {
        for (std::size_t i = 0; i < from.size(); ++i) {
            (electrons ? to.mutable_electron_pt() : to.mutable_muon_pt())->Add(from.pt[i]);
            (electrons ? to.mutable_electron_eta() : to.mutable_muon_eta())->Add(from.eta[i]);
            (electrons ? to.mutable_electron_phi() : to.mutable_muon_phi())->Add(from.phi[i]);
            (electrons ? to.mutable_electron_charge() : to.mutable_muon_charge())
                ->Add(from.charge[i]);
            (electrons ? to.mutable_electron_iso_charged() : to.mutable_muon_iso_charged())
                ->Add(from.iso_charged[i]);
            (electrons ? to.mutable_electron_iso_photon() : to.mutable_muon_iso_photon())
                ->Add(from.iso_photon[i]);
            (electrons ? to.mutable_electron_iso_neutral() : to.mutable_muon_iso_neutral())
                ->Add(from.iso_neutral[i]);
        }
    }
    static wire::PhysicsObjects to_wire(const streams::Collision& collision) {
        wire::PhysicsObjects objects;
        add_leptons(collision.electrons, true, objects);
        add_leptons(collision.muons, false, objects);
        for (std::size_t i = 0; i < collision.jets.size(); ++i) {
            objects.add_jet_pt(collision.jets.pt[i]);
            objects.add_jet_eta(collision.jets.eta[i]);
            objects.add_jet_phi(collision.jets.phi[i]);
            objects.add_jet_mass(collision.jets.mass[i]);
            objects.add_jet_btag(collision.jets.btag[i]);
        }
        objects.set_met_pt(collision.met_pt);
        objects.set_met_phi(collision.met_phi);
        objects.set_charged_hadrons(collision.charged_hadrons);
        objects.set_neutral_hadrons(collision.neutral_hadrons);
        return objects;
    }

    std::vector<streams::Event> events_;
    std::vector<models::EventInputs> inputs_;
    std::vector<models::EventInputs*> pointers_;
};

}  // namespace tamis::tests
