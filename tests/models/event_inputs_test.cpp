#include "models/event_inputs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/models/event_maker.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using streams::PayloadFault;
using tests::event_of;

float quantity_of(EventInputs& inputs, std::string_view name) {
    const auto id = find_quantity(name);
    EXPECT_TRUE(id.has_value()) << name;
    const auto value = inputs.quantity(*id);
    EXPECT_TRUE(value.has_value()) << name;
    return value.value_or(-1000.0F);
}

TEST(EventInputs, every_quantity_has_a_name_of_its_own_and_is_found_by_it) {
    const auto names = quantity_names();
    EXPECT_EQ(std::set<std::string_view>(names.begin(), names.end()).size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(*find_quantity(names[i])), i);
    }
    EXPECT_FALSE(find_quantity("leading_photon_pt").has_value());
}

TEST(EventInputs, quantities_of_physics_objects) {
    wire::PhysicsObjects objects = tests::w_like_objects();
    tests::add_jet(objects, 25, 0, 0.9F);
    const streams::Event event = event_of(objects);
    EventInputs inputs;
    inputs.attach(event);
    EXPECT_EQ(quantity_of(inputs, "LepPt"), 36);
    EXPECT_EQ(quantity_of(inputs, "nJets"), 1);
    EXPECT_EQ(quantity_of(inputs, "n_electrons"), 1);
    EXPECT_EQ(quantity_of(inputs, "n_muons"), 0);
    EXPECT_EQ(quantity_of(inputs, "n_leptons"), 1);
    EXPECT_EQ(quantity_of(inputs, "n_jets"), 2);
    EXPECT_EQ(quantity_of(inputs, "n_jets30"), 1);
    EXPECT_EQ(quantity_of(inputs, "n_bjets"), 1);
    EXPECT_EQ(quantity_of(inputs, "leading_electron_pt"), 36);
    EXPECT_EQ(quantity_of(inputs, "leading_muon_pt"), 0);
    EXPECT_EQ(quantity_of(inputs, "leading_lepton_pt"), 36);
    EXPECT_EQ(quantity_of(inputs, "leading_jet_pt"), 42);
    EXPECT_EQ(quantity_of(inputs, "jet_pt_sum"), 67);
    EXPECT_EQ(quantity_of(inputs, "met"), 30);
    EXPECT_EQ(quantity_of(inputs, "n_vertices"), 21);
    EXPECT_EQ(quantity_of(inputs, "passes_lepton_trigger"), 1);
    EXPECT_EQ(quantity_of(inputs, "n_sources"), 1);
    EXPECT_EQ(quantity_of(inputs, "has_physics_objects"), 1);
    EXPECT_EQ(quantity_of(inputs, "has_clusters"), 0);
}

TEST(EventInputs, quantities_of_clusters_and_doublets) {
    wire::CalorimeterClusters clusters;
    clusters.set_average_mu(33);
    for (const float et : {20.0F, 45.0F}) {
        clusters.add_et(et);
        clusters.add_eta(0);
        clusters.add_phi(0);
    }
    wire::PixelDoublets doublets;
    doublets.set_count(0);
    streams::Event event;
    tests::add_payload(event, streams::PayloadType::calorimeter_clusters,
                       clusters.SerializeAsString());
    tests::add_payload(event, streams::PayloadType::pixel_doublets, doublets.SerializeAsString());
    EventInputs inputs;
    inputs.attach(event);
    EXPECT_EQ(quantity_of(inputs, "n_clusters"), 2);
    EXPECT_EQ(quantity_of(inputs, "leading_cluster_et"), 45);
    EXPECT_EQ(quantity_of(inputs, "average_mu"), 33);
    EXPECT_EQ(quantity_of(inputs, "n_doublets"), 0);
    EXPECT_EQ(quantity_of(inputs, "has_clusters"), 1);
    EXPECT_EQ(quantity_of(inputs, "has_doublets"), 1);
}

TEST(EventInputs, absent_payload_is_a_fault_and_presence_is_not) {
    streams::Event event;
    tests::add_payload(event, streams::PayloadType::raw, "bytes");
    EventInputs inputs;
    inputs.attach(event);
    EXPECT_EQ(inputs.high_level_features().error(), PayloadFault::absent);
    EXPECT_EQ(inputs.quantity(*find_quantity("met")).error(), PayloadFault::absent);
    EXPECT_EQ(quantity_of(inputs, "has_physics_objects"), 0);
}

TEST(EventInputs, absurd_but_finite_objects_are_not_finite_features) {
    wire::PhysicsObjects objects = tests::w_like_objects();
    tests::add_electron(objects, 30, 1000);
    tests::add_electron(objects, 30, -1000);
    const streams::Event event = event_of(objects);
    EventInputs inputs;
    inputs.attach(event);
    EXPECT_EQ(inputs.high_level_features().error(), PayloadFault::not_finite);
}

TEST(EventInputs, next_event_is_computed_anew_without_allocation) {
    const streams::Event first = event_of(tests::w_like_objects(36));
    const streams::Event second = event_of(tests::w_like_objects(50));
    EventInputs inputs;
    inputs.attach(first);
    const float before = (**inputs.high_level_features())[6];
    const tests::AllocationGuard guard;
    inputs.attach(second);
    const float after = (**inputs.high_level_features())[6];
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(before, 36);
    EXPECT_EQ(after, 50);
    EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace tamis::models
