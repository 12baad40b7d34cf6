#include "streams/event_window.hpp"

#include <gtest/gtest.h>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

void pass_stretch(EventWindow& window, std::uint64_t delay_ns) {
    for (std::uint32_t i = 0; i < EventWindow::kStretch; ++i) {
        window.on_delay(i == 7 ? delay_ns : delay_ns / 10);
    }
}

TEST(EventWindow, is_as_long_as_it_may_be_until_it_has_seen_two_stretches) {
    EventWindow window(5 * kMs, 500 * kMs);
    EXPECT_EQ(window.length_ns(), 500 * kMs);
    pass_stretch(window, 4 * kMs);
    EXPECT_EQ(window.length_ns(), 500 * kMs);
    pass_stretch(window, 3 * kMs);
    EXPECT_EQ(window.length_ns(), 16 * kMs) << "the stretch before still counts";
    pass_stretch(window, 3 * kMs);
    EXPECT_EQ(window.length_ns(), 12 * kMs);
}

TEST(EventWindow, stays_within_its_bounds) {
    EventWindow window(5 * kMs, 500 * kMs);
    pass_stretch(window, 1000);
    pass_stretch(window, 1000);
    EXPECT_EQ(window.length_ns(), 5 * kMs);
    pass_stretch(window, 400 * kMs);
    EXPECT_EQ(window.length_ns(), 500 * kMs);
    pass_stretch(window, ~std::uint64_t{0} / 2);
    EXPECT_EQ(window.length_ns(), 500 * kMs);
}

TEST(EventWindow, grows_at_once_with_each_late_fragment_and_shrinks_again) {
    EventWindow window(5 * kMs, 500 * kMs);
    pass_stretch(window, 1000);
    pass_stretch(window, 1000);
    std::uint64_t before = window.length_ns();
    for (int i = 0; i < 4; ++i) {
        window.on_late();
        EXPECT_GE(window.length_ns(), 2 * before - 8);
        EXPECT_LE(window.length_ns(), 2 * before + 64);
        before = window.length_ns();
    }
    for (int i = 0; i < 20; ++i) {
        window.on_late();
    }
    EXPECT_EQ(window.length_ns(), 500 * kMs);
    for (int i = 0; i < 3; ++i) {
        pass_stretch(window, 1000);
    }
    EXPECT_EQ(window.length_ns(), 5 * kMs);
}

TEST(EventWindow, with_equal_bounds_never_moves) {
    EventWindow window(200 * kMs, 200 * kMs);
    pass_stretch(window, 1000);
    pass_stretch(window, 1000);
    window.on_late();
    EXPECT_EQ(window.length_ns(), 200 * kMs);
}

TEST(EventWindow, its_clock_stands_still_while_there_is_no_room) {
    EventWindow window(10, 10);
    window.advance(1000);
    window.advance(1004);
    EXPECT_EQ(window.clock_ns(), 4U);
    window.set_ready(false);
    window.advance(5000);
    EXPECT_EQ(window.clock_ns(), 4U);
    EXPECT_FALSE(window.is_over(0));
    window.set_ready(true);
    window.advance(5006);
    EXPECT_TRUE(window.is_over(0));
    EXPECT_FALSE(window.is_over(1));
    window.advance(5000);  // a clock that is handed on late takes nothing back
    EXPECT_EQ(window.clock_ns(), 10U);
}

// A process that was stopped has yet to read what came meanwhile.
TEST(EventWindow, its_clock_counts_no_long_step) {
    EventWindow window(100, 100, 20);
    window.advance(1000);
    window.advance(1015);
    EXPECT_EQ(window.clock_ns(), 15U);
    window.advance(9000);
    EXPECT_EQ(window.clock_ns(), 35U);
    window.advance(9010);
    EXPECT_EQ(window.clock_ns(), 45U);
}

}  // namespace
}  // namespace tamis::streams
