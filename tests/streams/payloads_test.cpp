#include "streams/payloads.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "streams/wire.pb.h"
#include "tests/support/allocation_guard.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using testing::ElementsAre;
using tests::as_bytes;

void add(Event& event, PayloadType type, std::string_view payload) {
    event.sources_seen |= std::uint64_t{1} << event.fragments.size();
    EventFragment& fragment = event.fragments.emplace_back();
    fragment.payload_type = type;
    const auto bytes = as_bytes(payload);
    fragment.payload.assign(bytes.begin(), bytes.end());
}

wire::PhysicsObjects one_electron_two_jets(float pt = 25) {
    wire::PhysicsObjects m;
    m.add_electron_pt(pt);
    m.add_electron_eta(0.5F);
    m.add_electron_phi(-3);
    m.add_electron_charge(-1);
    m.add_electron_iso_charged(0.1F);
    m.add_electron_iso_photon(0.2F);
    m.add_electron_iso_neutral(0.3F);
    for (const float jet_pt : {100.0F, 50.0F}) {
        m.add_jet_pt(jet_pt);
        m.add_jet_eta(1);
        m.add_jet_phi(2);
        m.add_jet_mass(10);
        m.add_jet_btag(0.9F);
    }
    m.set_met_pt(40);
    m.set_met_phi(1);
    m.set_charged_hadrons(300);
    m.set_neutral_hadrons(100);
    m.set_vertices(20);
    return m;
}

wire::CalorimeterClusters clusters(int count, int cells) {
    wire::CalorimeterClusters m;
    m.set_average_mu(30);
    for (int i = 0; i < count; ++i) {
        m.add_et(20 + static_cast<float>(i));
        m.add_eta(0);
        m.add_phi(0);
    }
    for (int i = 0; i < count * 100; ++i) {
        m.add_rings(static_cast<float>(i));
    }
    for (int i = 0; i < cells; ++i) {
        m.add_cell_eta(0);
        m.add_cell_phi(0);
        m.add_cell_energy(1);
        m.mutable_cell_layer()->push_back(static_cast<char>(i % 7));
    }
    return m;
}

wire::PixelDoublets doublets(std::uint32_t count, char mark = 1) {
    wire::PixelDoublets m;
    m.set_count(count);
    m.set_inner_adc(std::string(count * 512, mark));
    m.set_outer_adc(std::string(count * 512, mark));
    m.set_inner_layer(std::string(count, mark));
    m.set_outer_layer(std::string(count, mark));
    for (std::uint32_t i = 0; i < count * 67; ++i) {
        m.add_features(static_cast<float>(mark));
    }
    return m;
}

wire::Features features(const std::string& schema, std::vector<float> values) {
    wire::Features m;
    m.set_schema(schema);
    m.mutable_values()->Assign(values.begin(), values.end());
    return m;
}

TEST(Payloads, reads_physics_objects) {
    Event event;
    add(event, PayloadType::raw, "untouched");
    add(event, PayloadType::physics_objects, one_electron_two_jets().SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    const auto objects = payloads.physics_objects();
    ASSERT_TRUE(objects);
    EXPECT_THAT((*objects)->electrons.pt, ElementsAre(25));
    EXPECT_THAT((*objects)->electrons.charge, ElementsAre(-1));
    EXPECT_THAT((*objects)->electrons.iso_charged, ElementsAre(0.1F));
    EXPECT_THAT((*objects)->electrons.iso_photon, ElementsAre(0.2F));
    EXPECT_THAT((*objects)->electrons.iso_neutral, ElementsAre(0.3F));
    EXPECT_TRUE((*objects)->muons.pt.empty());
    EXPECT_THAT((*objects)->jets.pt, ElementsAre(100, 50));
    EXPECT_THAT((*objects)->jets.btag, ElementsAre(0.9F, 0.9F));
    EXPECT_EQ((*objects)->met_pt, 40);
    EXPECT_EQ((*objects)->met_phi, 1);
    EXPECT_EQ((*objects)->charged_hadrons, 300U);
    EXPECT_EQ((*objects)->neutral_hadrons, 100U);
    EXPECT_EQ((*objects)->vertices, 20U);
    EXPECT_EQ(payloads.calorimeter_clusters().error(), PayloadFault::absent);
    EXPECT_EQ(payloads.pixel_doublets().error(), PayloadFault::absent);
    EXPECT_EQ(payloads.features("any").error(), PayloadFault::absent);
}

TEST(Payloads, does_not_see_a_fragment_of_the_slots_past) {
    Event event;
    add(event, PayloadType::physics_objects, one_electron_two_jets().SerializeAsString());
    event.sources_seen = 0;
    Payloads payloads;
    payloads.attach(event);
    EXPECT_EQ(payloads.physics_objects().error(), PayloadFault::absent);
}

TEST(Payloads, merges_fragments_in_the_order_of_the_sources) {
    Event event;
    wire::PhysicsObjects muons;
    muons.add_muon_pt(30);
    muons.add_muon_eta(1);
    muons.add_muon_phi(1);
    muons.add_muon_charge(1);
    muons.add_muon_iso_charged(0);
    muons.add_muon_iso_photon(0);
    muons.add_muon_iso_neutral(0);
    muons.set_vertices(21);
    add(event, PayloadType::physics_objects, one_electron_two_jets(25).SerializeAsString());
    add(event, PayloadType::physics_objects, muons.SerializeAsString());
    add(event, PayloadType::physics_objects, one_electron_two_jets(26).SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    const auto objects = payloads.physics_objects();
    ASSERT_TRUE(objects);
    EXPECT_THAT((*objects)->electrons.pt, ElementsAre(25, 26));
    EXPECT_THAT((*objects)->muons.pt, ElementsAre(30));
    EXPECT_EQ((*objects)->jets.pt.size(), 4U);
    EXPECT_EQ((*objects)->met_pt, 40);
    EXPECT_EQ((*objects)->vertices, 20U);
}

TEST(Payloads, reads_clusters_and_cells) {
    Event event;
    add(event, PayloadType::calorimeter_clusters, clusters(2, 3).SerializeAsString());
    add(event, PayloadType::calorimeter_clusters, clusters(1, 2).SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    const auto read = payloads.calorimeter_clusters();
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)->average_mu, 30);
    EXPECT_THAT((*read)->et, ElementsAre(20, 21, 20));
    EXPECT_EQ((*read)->rings.size(), 300U);
    EXPECT_EQ((*read)->rings[199], 199);
    EXPECT_THAT((*read)->cell_layer, ElementsAre(0, 1, 2, 0, 1));
    EXPECT_EQ((*read)->cell_energy.size(), 5U);
}

TEST(Payloads, reads_clusters_without_rings) {
    wire::CalorimeterClusters m = clusters(2, 0);
    m.clear_rings();
    Event event;
    add(event, PayloadType::calorimeter_clusters, m.SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    EXPECT_TRUE(payloads.calorimeter_clusters());
}

TEST(Payloads, adds_the_doublets_of_two_fragments) {
    Event event;
    add(event, PayloadType::pixel_doublets, doublets(2, 1).SerializeAsString());
    add(event, PayloadType::pixel_doublets, doublets(3, 2).SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    const auto read = payloads.pixel_doublets();
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)->count, 5U);
    EXPECT_THAT((*read)->inner_layer, ElementsAre(1, 1, 2, 2, 2));
    ASSERT_EQ((*read)->outer_adc.size(), 5U * 512);
    EXPECT_EQ((*read)->outer_adc[2 * 512 - 1], 1);
    EXPECT_EQ((*read)->outer_adc[2 * 512], 2);
    EXPECT_EQ((*read)->features.size(), 5U * 67);
}

TEST(Payloads, finds_the_feature_vector_of_a_schema) {
    Event event;
    add(event, PayloadType::features, features("first", {1, 2}).SerializeAsString());
    add(event, PayloadType::features, "\xff\xff");
    add(event, PayloadType::features, features("second", {3}).SerializeAsString());
    add(event, PayloadType::features, features("second", {4}).SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    ASSERT_TRUE(payloads.features("second"));
    EXPECT_THAT(payloads.features("second").value()->values, ElementsAre(3));
    EXPECT_EQ(payloads.features("second").value()->schema, "second");
    EXPECT_THAT(payloads.features("first").value()->values, ElementsAre(1, 2));
    EXPECT_EQ(payloads.features("third").error(), PayloadFault::malformed);  // could have been it
}

TEST(Payloads, refuses_features_whose_name_is_not_utf8_without_a_word) {
    Event event;
    add(event, PayloadType::features, std::string("\x0a\x02\xc3\x28", 4));
    Payloads payloads;
    payloads.attach(event);
    testing::internal::CaptureStderr();
    EXPECT_EQ(payloads.features("any").error(), PayloadFault::malformed);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

PayloadFault fault_of(const wire::PhysicsObjects& m, const PayloadLimits& limits = {}) {
    Event event;
    add(event, PayloadType::physics_objects, m.SerializeAsString());
    Payloads payloads(limits);
    payloads.attach(event);
    const auto read = payloads.physics_objects();
    EXPECT_FALSE(read);
    return read ? PayloadFault::absent : read.error();
}

template <class Message>
PayloadFault cluster_or_doublet_fault(const Message& m, const PayloadLimits& limits = {}) {
    Event event;
    constexpr bool kDoublets = std::is_same_v<Message, wire::PixelDoublets>;
    add(event, kDoublets ? PayloadType::pixel_doublets : PayloadType::calorimeter_clusters,
        m.SerializeAsString());
    Payloads payloads(limits);
    payloads.attach(event);
    if constexpr (kDoublets) {
        const auto read = payloads.pixel_doublets();
        return read ? PayloadFault::absent : read.error();
    } else {
        const auto read = payloads.calorimeter_clusters();
        return read ? PayloadFault::absent : read.error();
    }
}

TEST(Payloads, refuses_arrays_of_unequal_length) {
    wire::PhysicsObjects objects = one_electron_two_jets();
    objects.add_electron_charge(1);
    EXPECT_EQ(fault_of(objects), PayloadFault::uneven_arrays);
    objects = one_electron_two_jets();
    objects.mutable_jet_btag()->RemoveLast();
    EXPECT_EQ(fault_of(objects), PayloadFault::uneven_arrays);
    objects = one_electron_two_jets();
    objects.add_muon_iso_neutral(1);
    EXPECT_EQ(fault_of(objects), PayloadFault::uneven_arrays);

    wire::CalorimeterClusters calorimeter = clusters(1, 1);
    calorimeter.mutable_rings()->RemoveLast();
    EXPECT_EQ(cluster_or_doublet_fault(calorimeter), PayloadFault::uneven_arrays);
    calorimeter = clusters(1, 1);
    calorimeter.mutable_cell_layer()->push_back(0);
    EXPECT_EQ(cluster_or_doublet_fault(calorimeter), PayloadFault::uneven_arrays);

    wire::PixelDoublets pixel = doublets(2);
    pixel.mutable_inner_adc()->pop_back();
    EXPECT_EQ(cluster_or_doublet_fault(pixel), PayloadFault::uneven_arrays);
    pixel = doublets(2);
    pixel.set_count(3);
    EXPECT_EQ(cluster_or_doublet_fault(pixel), PayloadFault::uneven_arrays);
}

TEST(Payloads, does_not_let_one_fragment_make_up_for_another) {
    wire::PhysicsObjects longer = one_electron_two_jets();
    longer.add_jet_pt(1);
    wire::PhysicsObjects shorter = one_electron_two_jets();
    shorter.mutable_jet_pt()->RemoveLast();
    Event event;
    add(event, PayloadType::physics_objects, longer.SerializeAsString());
    add(event, PayloadType::physics_objects, shorter.SerializeAsString());
    Payloads payloads;
    payloads.attach(event);
    EXPECT_EQ(payloads.physics_objects().error(), PayloadFault::uneven_arrays);
}

TEST(Payloads, refuses_numbers_that_are_none) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
        EXPECT_EQ(fault_of(one_electron_two_jets(bad)), PayloadFault::not_finite);
        wire::PhysicsObjects objects = one_electron_two_jets();
        objects.set_met_phi(bad);
        EXPECT_EQ(fault_of(objects), PayloadFault::not_finite);
        wire::CalorimeterClusters calorimeter = clusters(1, 1);
        calorimeter.set_rings(99, bad);
        EXPECT_EQ(cluster_or_doublet_fault(calorimeter), PayloadFault::not_finite);
        calorimeter = clusters(1, 1);
        calorimeter.set_average_mu(bad);
        EXPECT_EQ(cluster_or_doublet_fault(calorimeter), PayloadFault::not_finite);
        wire::PixelDoublets pixel = doublets(2);
        pixel.set_features(133, bad);
        EXPECT_EQ(cluster_or_doublet_fault(pixel), PayloadFault::not_finite);
    }
}

TEST(Payloads, refuses_more_than_its_limits) {
    PayloadLimits limits;
    limits.objects = 1;
    limits.clusters = 1;
    limits.cells = 1;
    limits.doublets = 1;
    EXPECT_EQ(fault_of(one_electron_two_jets(), limits), PayloadFault::too_many);
    EXPECT_EQ(cluster_or_doublet_fault(clusters(2, 1), limits), PayloadFault::too_many);
    EXPECT_EQ(cluster_or_doublet_fault(clusters(1, 2), limits), PayloadFault::too_many);
    EXPECT_EQ(cluster_or_doublet_fault(doublets(2), limits), PayloadFault::too_many);
    EXPECT_EQ(cluster_or_doublet_fault(doublets(1), limits), PayloadFault::absent);  // good
}

TEST(Payloads, refuses_a_sum_of_fragments_beyond_its_limits) {
    PayloadLimits limits;
    limits.doublets = 3;
    Event event;
    add(event, PayloadType::pixel_doublets, doublets(2).SerializeAsString());
    add(event, PayloadType::pixel_doublets, doublets(2).SerializeAsString());
    Payloads payloads(limits);
    payloads.attach(event);
    EXPECT_EQ(payloads.pixel_doublets().error(), PayloadFault::too_many);
}

TEST(Payloads, refuses_a_payload_of_too_many_bytes_before_it_is_parsed) {
    Event event;
    add(event, PayloadType::physics_objects, std::string(10'000'000, '\x0d'));
    Payloads payloads;
    payloads.attach(event);
    const tests::AllocationGuard guard;
    const auto read = payloads.physics_objects();
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(read.error(), PayloadFault::too_many);
    EXPECT_EQ(allocations, 0U);
}

TEST(Payloads, forgets_the_last_event) {
    Event first;
    add(first, PayloadType::physics_objects, one_electron_two_jets().SerializeAsString());
    add(first, PayloadType::features, features("f", {1}).SerializeAsString());
    Event second;
    add(second, PayloadType::raw, "");
    add(second, PayloadType::raw, "");
    Payloads payloads;
    payloads.attach(first);
    EXPECT_TRUE(payloads.physics_objects());
    EXPECT_TRUE(payloads.features("f"));
    payloads.attach(second);
    EXPECT_FALSE(payloads.physics_objects());
    EXPECT_FALSE(payloads.features("f"));
    payloads.attach(first);
    EXPECT_THAT(payloads.physics_objects().value()->jets.pt, ElementsAre(100, 50));
}

TEST(Payloads, survives_any_bytes) {
    std::mt19937_64 random(5);
    const std::string good_objects = one_electron_two_jets().SerializeAsString();
    const std::string good_clusters = clusters(2, 3).SerializeAsString();
    const std::string good_doublets = doublets(2).SerializeAsString();
    const std::string good_features = features("f", {1, 2, 3}).SerializeAsString();
    Payloads payloads;
    std::size_t read = 0;
    for (int i = 0; i < 20'000; ++i) {
        Event event;
        const std::pair<PayloadType, const std::string&> parts[] = {
            {PayloadType::physics_objects, good_objects},
            {PayloadType::calorimeter_clusters, good_clusters},
            {PayloadType::pixel_doublets, good_doublets},
            {PayloadType::features, good_features}};
        for (const auto& [type, good] : parts) {
            std::string bytes = good;
            for (std::size_t n = random() % 4; n > 0; --n) {
                bytes[random() % bytes.size()] = static_cast<char>(random());
            }
            add(event, type, bytes);
        }
        payloads.attach(event);
        read += payloads.physics_objects() ? 1 : 0;
        read += payloads.calorimeter_clusters() ? 1 : 0;
        read += payloads.pixel_doublets() ? 1 : 0;
        read += payloads.features("f") ? 1 : 0;
    }
    EXPECT_GT(read, 10'000U);
    EXPECT_LT(read, 80'000U);
}

TEST(Payloads, allocates_nothing_after_warm_up) {
    Event event;
    add(event, PayloadType::physics_objects, one_electron_two_jets().SerializeAsString());
    add(event, PayloadType::calorimeter_clusters, clusters(5, 500).SerializeAsString());
    add(event, PayloadType::pixel_doublets, doublets(100).SerializeAsString());
    add(event, PayloadType::pixel_doublets, doublets(50).SerializeAsString());
    add(event, PayloadType::features, features("f", {1, 2, 3}).SerializeAsString());
    Payloads payloads;
    const auto read_all = [&] {
        payloads.attach(event);
        return payloads.physics_objects() && payloads.calorimeter_clusters() &&
               payloads.pixel_doublets() && payloads.features("f");
    };
    EXPECT_TRUE(read_all());
    EXPECT_TRUE(read_all());
    const tests::AllocationGuard guard;
    const bool read = read_all();
    const std::size_t allocations = guard.allocations();
    EXPECT_TRUE(read);
    EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace tamis::streams
