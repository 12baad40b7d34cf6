#include "streams/recording/wire_scan.hpp"

#include <gtest/gtest.h>

#include "streams/recording/wire_schema.hpp"
#include "streams/wire.pb.h"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"

namespace tamis::streams {
namespace {

using tests::bytes_of;

TEST(WireScan, finds_the_head_of_a_fragment) {
    const auto head = scan_fragment(bytes_of(tests::sample_fragment(9, 2)));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->run, 7U);
    EXPECT_EQ(head->event, 9U);
    EXPECT_EQ(head->timestamp_ns, 1'600'000'000'009'000'000ULL);
}

TEST(WireScan, finds_decision_and_fragments_of_a_selected_event) {
    const std::string selected = tests::sample_selected_event(9, {"physics"});
    const auto head = scan_selected_event(bytes_of(selected));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->run, 7U);
    EXPECT_EQ(head->event, 9U);
    EXPECT_EQ(head->timestamp_ns, 1'600'000'000'009'000'000ULL);
    SelectedEventScan scan(bytes_of(selected));
    std::span<const std::byte> bytes;
    EXPECT_EQ(scan.next(bytes), SelectedEventScan::Part::decision);
    for (std::uint32_t source = 1; source <= 3; ++source) {
        ASSERT_EQ(scan.next(bytes), SelectedEventScan::Part::fragment);
        const std::string expected = tests::sample_fragment(9, source);
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), bytes_of(expected).begin(),
                               bytes_of(expected).end()));
    }
    EXPECT_EQ(scan.next(bytes), SelectedEventScan::Part::end);
}

TEST(WireScan, agrees_with_protobuf_on_every_cut_and_flipped_message) {
    const std::string selected = tests::sample_selected_event(9, {"physics", "debug"});
    for (std::size_t size = 0; size < selected.size(); ++size) {
        wire::SelectedEvent parsed;
        const std::string cut = selected.substr(0, size);
        const bool is_good = parsed.ParseFromString(cut) && parsed.has_decision();
        if (is_good) {
            ASSERT_TRUE(scan_selected_event(bytes_of(cut))) << size;
        }
    }
    for (std::size_t at = 0; at < selected.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string flipped = selected;
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
            wire::SelectedEvent parsed;
            const auto head = scan_selected_event(bytes_of(flipped));
            if (parsed.ParseFromString(flipped) && parsed.has_decision() && head) {
                EXPECT_EQ(head->run, parsed.decision().run());
                EXPECT_EQ(head->event, parsed.decision().event());
            }
        }
    }
}

}  // namespace
}  // namespace tamis::streams
