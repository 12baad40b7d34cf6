#include "streams/recording/event_fragments.hpp"

#include "streams/fragment.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

void add_electrons(const std::vector<ImportedLepton>& leptons, wire::PhysicsObjects& objects) {
    for (const ImportedLepton& lepton : leptons) {
        objects.add_electron_pt(lepton.pt);
        objects.add_electron_eta(lepton.eta);
        objects.add_electron_phi(lepton.phi);
        objects.add_electron_charge(lepton.charge);
        objects.add_electron_iso_charged(lepton.iso_charged);
        objects.add_electron_iso_photon(lepton.iso_photon);
        objects.add_electron_iso_neutral(lepton.iso_neutral);
    }
}

void add_muons(const std::vector<ImportedLepton>& leptons, wire::PhysicsObjects& objects) {
    for (const ImportedLepton& lepton : leptons) {
        objects.add_muon_pt(lepton.pt);
        objects.add_muon_eta(lepton.eta);
        objects.add_muon_phi(lepton.phi);
        objects.add_muon_charge(lepton.charge);
        objects.add_muon_iso_charged(lepton.iso_charged);
        objects.add_muon_iso_photon(lepton.iso_photon);
        objects.add_muon_iso_neutral(lepton.iso_neutral);
    }
}

void add_calorimeter_objects(const ImportedEvent& event, wire::PhysicsObjects& objects) {
    add_electrons(event.electrons, objects);
    for (const ImportedJet& jet : event.jets) {
        objects.add_jet_pt(jet.pt);
        objects.add_jet_eta(jet.eta);
        objects.add_jet_phi(jet.phi);
        objects.add_jet_mass(jet.mass);
        objects.add_jet_btag(jet.btag);
    }
    objects.set_met_pt(event.met_pt);
    objects.set_met_phi(event.met_phi);
}

void add_counts(const ImportedEvent& event, wire::PhysicsObjects& objects) {
    objects.set_charged_hadrons(event.charged_hadrons);
    objects.set_neutral_hadrons(event.neutral_hadrons);
    objects.set_vertices(event.vertices);
}

void add_clusters(const ImportedEvent& event, wire::CalorimeterClusters& clusters) {
    clusters.set_average_mu(event.average_mu);
    for (const ImportedCluster& cluster : event.clusters) {
        clusters.add_et(cluster.et);
        clusters.add_eta(cluster.eta);
        clusters.add_phi(cluster.phi);
        for (const float ring : cluster.rings) {
            clusters.add_rings(ring);
        }
    }
}

}  // namespace

struct EventFragments::Messages {
    wire::PhysicsObjects objects;
    wire::CalorimeterClusters clusters;
    wire::Features features;
    std::string payload;
    std::string fragment;
};

EventFragments::EventFragments(ImportSplit split)
    : split_(split), messages_(std::make_unique<Messages>()) {}
EventFragments::~EventFragments() = default;

void EventFragments::encode(const ImportedEvent& event,
                            const std::function<void(std::span<const std::byte>)>& take) {
    const auto emit = [&](std::uint32_t source, PayloadType type) {
        Fragment fragment;
        fragment.run = event.run;
        fragment.event = event.number;
        fragment.source = source;
        fragment.timestamp_ns = event.timestamp_ns;
        fragment.sequence = ++sequences_[source];
        fragment.payload_type = type;
        fragment.payload = std::as_bytes(std::span(messages_->payload));
        encode_fragment(fragment, Checksum::computed, messages_->fragment);
        take(std::as_bytes(std::span(messages_->fragment)));
    };
    const auto emit_objects = [&](std::uint32_t source) {
        messages_->objects.SerializeToString(&messages_->payload);
        emit(source, PayloadType::physics_objects);
        messages_->objects.Clear();
    };

    if (!event.features.empty()) {
        messages_->features.set_schema(event.feature_schema);
        messages_->features.mutable_values()->Assign(event.features.begin(), event.features.end());
        messages_->features.SerializeToString(&messages_->payload);
        emit(kTrackerSource, PayloadType::features);
        return;
    }
    if (!event.clusters.empty()) {
        add_clusters(event, messages_->clusters);
        messages_->clusters.SerializeToString(&messages_->payload);
        messages_->clusters.Clear();
        emit(kCalorimeterSource, PayloadType::calorimeter_clusters);
    } else if (split_ == ImportSplit::one_source) {
        add_calorimeter_objects(event, messages_->objects);
        add_muons(event.muons, messages_->objects);
        add_counts(event, messages_->objects);
        emit_objects(kTrackerSource);
    } else {
        add_calorimeter_objects(event, messages_->objects);
        emit_objects(kCalorimeterSource);
    }
    if (split_ == ImportSplit::detectors) {
        add_muons(event.muons, messages_->objects);
        emit_objects(kMuonSource);
        add_counts(event, messages_->objects);
        emit_objects(kTrackerSource);
        messages_->payload.clear();
        emit(kPixelSource, PayloadType::pixel_doublets);
    }
}

}  // namespace tamis::streams
