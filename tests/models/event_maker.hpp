// Events with encoded payloads, for tests of models.
#pragma once

#include <string>
#include <string_view>

#include "streams/event.hpp"
#include "streams/wire.pb.h"
#include "tests/support/fragment_maker.hpp"

namespace tamis::tests {

// Appends a fragment of the next source.
inline void add_payload(streams::Event& event, streams::PayloadType type,
                        std::string_view payload) {
    event.sources_seen |= std::uint64_t{1} << event.fragments.size();
    streams::EventFragment& fragment = event.fragments.emplace_back();
    fragment.payload_type = type;
    const auto bytes = as_bytes(payload);
    fragment.payload.assign(bytes.begin(), bytes.end());
    event.payload_bytes += payload.size();
}

inline void add_electron(wire::PhysicsObjects& objects, float pt, float eta = 0.3F,
                         float phi = 0.5F) {
    objects.add_electron_pt(pt);
    objects.add_electron_eta(eta);
    objects.add_electron_phi(phi);
    objects.add_electron_charge(-1);
    objects.add_electron_iso_charged(0.02F);
    objects.add_electron_iso_photon(0.01F);
    objects.add_electron_iso_neutral(0);
}

inline void add_jet(wire::PhysicsObjects& objects, float pt, float eta = 1, float btag = 0.1F) {
    objects.add_jet_pt(pt);
    objects.add_jet_eta(eta);
    objects.add_jet_phi(2);
    objects.add_jet_mass(6);
    objects.add_jet_btag(btag);
}

// A W-like event: one electron, one jet, missing momentum.
inline wire::PhysicsObjects w_like_objects(float electron_pt = 36) {
    wire::PhysicsObjects objects;
    add_electron(objects, electron_pt);
    add_jet(objects, 42);
    objects.set_met_pt(30);
    objects.set_met_phi(-2.5F);
    objects.set_charged_hadrons(250);
    objects.set_neutral_hadrons(110);
    objects.set_vertices(21);
    return objects;
}

inline streams::Event event_of(const wire::PhysicsObjects& objects) {
    streams::Event event;
    add_payload(event, streams::PayloadType::physics_objects, objects.SerializeAsString());
    return event;
}

inline streams::Event event_of(const wire::Features& features) {
    streams::Event event;
    add_payload(event, streams::PayloadType::features, features.SerializeAsString());
    return event;
}

}  // namespace tamis::tests
