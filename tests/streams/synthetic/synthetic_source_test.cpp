#include "streams/synthetic/synthetic_source.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <iostream>
#include <string>

#include "streams/fragment.hpp"
#include "streams/synthetic/collision_generator.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

constexpr std::uint32_t kRun = 42;

Fragment decoded(const std::string& message) {
    const auto fragment = FragmentDecoder{}.decode(std::as_bytes(std::span(message)));
    EXPECT_TRUE(fragment.has_value());
    return fragment.value_or(Fragment{});
}

TEST(SyntheticSource, fragment_carries_header_and_valid_checksum) {
    SyntheticConfig config;
    config.source = {10, 20, 30, 40};
    SyntheticSource source(config);
    std::string message;
    source.encode_fragment(kRun, 7, SyntheticDetector::pixel, message);
    Fragment fragment = decoded(message);
    EXPECT_EQ(fragment.run, kRun);
    EXPECT_EQ(fragment.event, 7U);
    EXPECT_EQ(fragment.sequence, 7U);
    EXPECT_EQ(fragment.source, 40U);
    EXPECT_EQ(fragment.payload_type, PayloadType::pixel_doublets);
    EXPECT_EQ(fragment.timestamp_ns, config.first_timestamp_ns + 6 * config.event_period_ns);
    EXPECT_TRUE(fragment.crc32c.has_value());

    wire::Fragment parsed;  // as a client in another language reads it
    ASSERT_TRUE(parsed.ParseFromString(message));
    EXPECT_TRUE(parsed.has_crc32c());
    message.back() = static_cast<char>(message.back() ^ 1);
    EXPECT_FALSE(FragmentDecoder{}.decode(std::as_bytes(std::span(message))).has_value());
}

TEST(SyntheticSource, four_separate_sources_make_the_event_of_one) {
    SyntheticSource together{SyntheticConfig{}};
    std::string expected;
    std::string alone;
    for (std::uint64_t event = 1; event <= 100; ++event) {
        for (const auto detector : {SyntheticDetector::pixel, SyntheticDetector::tracker,
                                    SyntheticDetector::calorimeter, SyntheticDetector::muon}) {
            together.encode_fragment(kRun, event, detector, expected);
            SyntheticSource separate{SyntheticConfig{}};
            separate.encode_fragment(kRun, event, detector, alone);
            ASSERT_EQ(alone, expected) << to_string(detector) << event;
        }
    }
}

TEST(SyntheticSource, merged_objects_are_the_collision_and_each_field_has_one_source) {
    SyntheticConfig config;
    config.seed = 5;
    SyntheticSource source(config);
    std::string message;
    for (std::uint64_t event = 1; event <= 300; ++event) {
        wire::PhysicsObjects muons;
        source.encode_fragment(kRun, event, SyntheticDetector::muon, message);
        auto fragment = decoded(message);
        ASSERT_TRUE(muons.ParseFromArray(fragment.payload.data(),
                                         static_cast<int>(fragment.payload.size())));
        EXPECT_EQ(muons.electron_pt_size(), 0);
        EXPECT_EQ(muons.jet_pt_size(), 0);
        EXPECT_EQ(muons.met_pt(), 0.0F);
        EXPECT_EQ(muons.vertices(), 0U);

        wire::PhysicsObjects merged;
        source.encode_fragment(kRun, event, SyntheticDetector::tracker, message);
        fragment = decoded(message);
        ASSERT_TRUE(merged.ParseFromArray(fragment.payload.data(),
                                          static_cast<int>(fragment.payload.size())));
        EXPECT_EQ(merged.muon_pt_size(), 0);
        merged.MergeFrom(muons);

        const Collision collision = generate_collision(5, kRun, event, config.mix);
        ASSERT_EQ(static_cast<std::size_t>(merged.muon_pt_size()), collision.muons.size());
        ASSERT_EQ(static_cast<std::size_t>(merged.electron_pt_size()), collision.electrons.size());
        ASSERT_EQ(static_cast<std::size_t>(merged.jet_btag_size()), collision.jets.size());
        for (int i = 0; i < merged.muon_pt_size(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            EXPECT_EQ(merged.muon_pt(i), collision.muons.pt[at]);
            EXPECT_EQ(merged.muon_charge(i), collision.muons.charge[at]);
        }
        EXPECT_EQ(merged.met_pt(), collision.met_pt);
        EXPECT_EQ(merged.charged_hadrons(), collision.charged_hadrons);
        EXPECT_EQ(merged.vertices(), collision.vertices);
        EXPECT_EQ(source.collision(kRun, event).process, collision.process);
    }
}

TEST(SyntheticSource, calorimeter_and_pixel_payloads_have_even_arrays) {
    SyntheticSource source{SyntheticConfig{}};
    std::string message;
    for (std::uint64_t event = 1; event <= 200; ++event) {
        source.encode_fragment(kRun, event, SyntheticDetector::calorimeter, message);
        auto fragment = decoded(message);
        wire::CalorimeterClusters clusters;
        ASSERT_TRUE(clusters.ParseFromArray(fragment.payload.data(),
                                            static_cast<int>(fragment.payload.size())));
        EXPECT_GT(clusters.average_mu(), 0.0F);
        EXPECT_EQ(clusters.et_size(), clusters.phi_size());
        EXPECT_EQ(clusters.cell_eta_size(), static_cast<int>(clusters.cell_layer().size()));

        source.encode_fragment(kRun, event, SyntheticDetector::pixel, message);
        fragment = decoded(message);
        wire::PixelDoublets doublets;
        ASSERT_TRUE(doublets.ParseFromArray(fragment.payload.data(),
                                            static_cast<int>(fragment.payload.size())));
        EXPECT_EQ(doublets.inner_adc().size(), 512U * doublets.count());
        EXPECT_EQ(doublets.features_size(), static_cast<int>(67 * doublets.count()));
    }
}

// Printed, and bounded only loosely: the machine may be busy, the build unoptimised.
TEST(SyntheticSource, whole_event_costs_little_processor_time) {
    SyntheticSource source{SyntheticConfig{}};
    std::string message;
    constexpr int kEvents = 2000;
    std::size_t bytes = 0;
    const std::clock_t begin = std::clock();
    for (std::uint64_t event = 1; event <= kEvents; ++event) {
        for (std::size_t i = 0; i < kSyntheticDetectors; ++i) {
            source.encode_fragment(kRun, event, static_cast<SyntheticDetector>(i), message);
            bytes += message.size();
        }
    }
    const double microseconds =
        1e6 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / kEvents;
    std::cout << microseconds << " us and " << bytes / kEvents << " bytes for one event\n";
    EXPECT_LT(microseconds, 5000.0);
    EXPECT_LT(bytes / kEvents, 40000U);
}

}  // namespace
}  // namespace tamis::streams
