#include "streams/synthetic/payload_encoding.hpp"

#include <span>

#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

template <class T>
void assign(std::span<const T> values, google::protobuf::RepeatedField<T>& out) {
    out.Add(values.begin(), values.end());
}

void assign(std::span<const std::uint8_t> values, std::string& out) {
    out.assign(values.begin(), values.end());
}

}  // namespace

struct PayloadEncoder::Messages {
    wire::PhysicsObjects objects;
    wire::CalorimeterClusters clusters;
    wire::PixelDoublets doublets;
};

PayloadEncoder::PayloadEncoder() : messages_(std::make_unique<Messages>()) {}
PayloadEncoder::~PayloadEncoder() = default;

void PayloadEncoder::encode(const PhysicsObjects& objects, std::string& out) {
    wire::PhysicsObjects& message = messages_->objects;
    message.Clear();
    assign(objects.electrons.pt, *message.mutable_electron_pt());
    assign(objects.electrons.eta, *message.mutable_electron_eta());
    assign(objects.electrons.phi, *message.mutable_electron_phi());
    assign(objects.electrons.charge, *message.mutable_electron_charge());
    assign(objects.electrons.iso_charged, *message.mutable_electron_iso_charged());
    assign(objects.electrons.iso_photon, *message.mutable_electron_iso_photon());
    assign(objects.electrons.iso_neutral, *message.mutable_electron_iso_neutral());
    assign(objects.muons.pt, *message.mutable_muon_pt());
    assign(objects.muons.eta, *message.mutable_muon_eta());
    assign(objects.muons.phi, *message.mutable_muon_phi());
    assign(objects.muons.charge, *message.mutable_muon_charge());
    assign(objects.muons.iso_charged, *message.mutable_muon_iso_charged());
    assign(objects.muons.iso_photon, *message.mutable_muon_iso_photon());
    assign(objects.muons.iso_neutral, *message.mutable_muon_iso_neutral());
    assign(objects.jets.pt, *message.mutable_jet_pt());
    assign(objects.jets.eta, *message.mutable_jet_eta());
    assign(objects.jets.phi, *message.mutable_jet_phi());
    assign(objects.jets.mass, *message.mutable_jet_mass());
    assign(objects.jets.btag, *message.mutable_jet_btag());
    message.set_met_pt(objects.met_pt);
    message.set_met_phi(objects.met_phi);
    message.set_charged_hadrons(objects.charged_hadrons);
    message.set_neutral_hadrons(objects.neutral_hadrons);
    message.set_vertices(objects.vertices);
    message.SerializeToString(&out);
}

void PayloadEncoder::encode(const CalorimeterClusters& clusters, std::string& out) {
    wire::CalorimeterClusters& message = messages_->clusters;
    message.Clear();
    message.set_average_mu(clusters.average_mu);
    assign(clusters.et, *message.mutable_et());
    assign(clusters.eta, *message.mutable_eta());
    assign(clusters.phi, *message.mutable_phi());
    assign(clusters.rings, *message.mutable_rings());
    assign(clusters.cell_eta, *message.mutable_cell_eta());
    assign(clusters.cell_phi, *message.mutable_cell_phi());
    assign(clusters.cell_energy, *message.mutable_cell_energy());
    assign(clusters.cell_layer, *message.mutable_cell_layer());
    message.SerializeToString(&out);
}

void PayloadEncoder::encode(const PixelDoublets& doublets, std::string& out) {
    wire::PixelDoublets& message = messages_->doublets;
    message.Clear();
    message.set_count(doublets.count);
    assign(doublets.inner_adc, *message.mutable_inner_adc());
    assign(doublets.outer_adc, *message.mutable_outer_adc());
    assign(doublets.inner_layer, *message.mutable_inner_layer());
    assign(doublets.outer_layer, *message.mutable_outer_layer());
    assign(doublets.features, *message.mutable_features());
    message.SerializeToString(&out);
}

}  // namespace tamis::streams
