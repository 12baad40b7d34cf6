#include "daemon/prescale.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace tamis::daemon {
namespace {

TEST(Prescale, of_zero_keeps_nothing_and_of_one_keeps_all) {
    const Prescale off("path", 0);
    const Prescale all("path", 1);
    for (std::uint64_t event = 0; event < 1000; ++event) {
        EXPECT_FALSE(off.keeps(1, event));
        EXPECT_TRUE(all.keeps(1, event));
    }
}

// Fixed for clients in other languages: these events were computed from the definition in the
// header with an implementation of Philox 4x32-10 of its own (tests/daemon/prescale_reference.py).
TEST(Prescale, keeps_the_events_that_the_definition_says) {
    const Prescale prescale("anomaly", 10);
    std::vector<std::uint64_t> kept;
    for (std::uint64_t event = 0; event < 100; ++event) {
        if (prescale.keeps(7, event)) {
            kept.push_back(event);
        }
    }
    EXPECT_EQ(kept, (std::vector<std::uint64_t>{1, 5, 6, 11, 40, 44, 49, 61, 75, 88, 89}));
}

// Chi-square of the kept fraction over blocks of event numbers and of runs: a hash that favours
// some events would bias every rate.
TEST(Prescale, keeps_one_of_n_evenly_over_events_and_runs) {
    for (const std::uint32_t factor : {2U, 3U, 10U, 1000U}) {
        const Prescale prescale("uniform", factor);
        constexpr std::size_t kBlocks = 20;
        constexpr std::uint64_t kEvents = 100'000;
        std::array<double, kBlocks> kept{};
        for (std::size_t block = 0; block < kBlocks; ++block) {
            for (std::uint64_t i = 0; i < kEvents; ++i) {
                // Consecutive numbers in even blocks, high bits in odd ones.
                const std::uint64_t event = block % 2 == 0 ? i : i << 40U;
                kept[block] += prescale.keeps(static_cast<std::uint32_t>(block), event) ? 1 : 0;
            }
        }
        const double expected = static_cast<double>(kEvents) / factor;
        double chi_square = 0;
        for (const double count : kept) {
            chi_square += (count - expected) * (count - expected) / (expected * (1 - 1.0 / factor));
        }
        // 20 degrees of freedom: 45.3 is exceeded with probability 0.001, 5.9 with 0.999.
        EXPECT_LT(chi_square, 45.3) << factor;
        EXPECT_GT(chi_square, 5.9) << factor;
    }
}

TEST(Prescale, of_two_paths_keeps_independent_events) {
    const Prescale one("one", 4);
    const Prescale two("two", 4);
    constexpr int kEvents = 160'000;
    int both = 0;
    for (int event = 0; event < kEvents; ++event) {
        const auto number = static_cast<std::uint64_t>(event);
        both += one.keeps(1, number) && two.keeps(1, number) ? 1 : 0;
    }
    EXPECT_NEAR(both, kEvents / 16, 400);  // 4 standard deviations
}

TEST(Prescale, asks_run_and_every_bit_of_the_event_number) {
    const Prescale prescale("bits", 2);
    int changed = 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
        int different = 0;
        for (std::uint64_t event = 0; event < 64; ++event) {
            different += prescale.keeps(1, event) != prescale.keeps(1, event ^ 1ULL << bit) ? 1 : 0;
        }
        changed += different > 0 ? 1 : 0;
    }
    EXPECT_EQ(changed, 64);
}

}  // namespace
}  // namespace tamis::daemon
