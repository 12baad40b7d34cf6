#include "config/nearest_name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tamis::config {
namespace {

constexpr auto kNames =
    std::to_array<std::string_view>({"prescale", "stream", "seed", "n_electrons", "met"});

TEST(EditDistance, counts_each_way_to_mistype) {
    EXPECT_EQ(edit_distance("prescale", "prescale"), 0U);
    EXPECT_EQ(edit_distance("prscale", "prescale"), 1U);
    EXPECT_EQ(edit_distance("prescalee", "prescale"), 1U);
    EXPECT_EQ(edit_distance("prescole", "prescale"), 1U);
    EXPECT_EQ(edit_distance("presclae", "prescale"), 1U);
    EXPECT_EQ(edit_distance("", "seed"), 4U);
    EXPECT_EQ(edit_distance("seed", ""), 4U);
}

TEST(EditDistance, sees_no_difference_in_case_and_dashes) {
    EXPECT_EQ(edit_distance("PRESCALE", "prescale"), 0U);
    EXPECT_EQ(edit_distance("N-Electrons", "n_electrons"), 0U);
}

TEST(NearestName, finds_what_was_meant) {
    EXPECT_EQ(nearest_name("presacle", kNames), "prescale");
    EXPECT_EQ(nearest_name("Met", kNames), "met");
    EXPECT_EQ(nearest_name("n_electron", kNames), "n_electrons");
}

TEST(NearestName, finds_nothing_where_nothing_is_near) {
    EXPECT_FALSE(nearest_name("threshold", kNames));
    EXPECT_FALSE(nearest_name("xyz", kNames));
    EXPECT_FALSE(nearest_name(std::string(100'000, 'a'), kNames));
    EXPECT_FALSE(nearest_name("met", {}));
}

TEST(NameRemedy, asks_or_lists) {
    EXPECT_EQ(name_remedy("sed", kNames), "did you mean \"seed\"?");
    EXPECT_EQ(name_remedy("threshold", kNames), "known: prescale, stream, seed, n_electrons, met");
    EXPECT_EQ(name_remedy("met", {}), "none is known here");
}

}  // namespace
}  // namespace tamis::config
