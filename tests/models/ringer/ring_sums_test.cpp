#include "models/ringer/ring_sums.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "tests/models/ringer/cell_maker.hpp"

namespace tamis::models {
namespace {

using Rings = std::array<float, kRingCount>;

Rings rings_of(const Cells& cells, double eta, double phi, const RingWindow& window = {}) {
    Rings rings{};
    sum_rings(cells.arrays(), static_cast<float>(eta), static_cast<float>(phi), window, rings);
    return rings;
}

std::vector<std::size_t> filled(const Rings& rings) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < rings.size(); ++i) {
        if (rings[i] != 0) {
            indices.push_back(i);
        }
    }
    return indices;
}

TEST(RingSums, sets_fill_a_hundred_rings_without_gap) {
    std::size_t next = 0;
    for (const RingSet& set : kRingSets) {
        EXPECT_EQ(set.first, next) << set.name;
        next += set.count;
    }
    EXPECT_EQ(next, kRingCount);
}

TEST(RingSums, puts_each_layers_hottest_cell_into_its_innermost_ring) {
    Cells cells;
    for (int layer = 0; layer < 7; ++layer) {
        cells.add(0.5, 1.0, 2.0 + layer, layer);
    }
    const Rings rings = rings_of(cells, 0.51, 1.01);
    EXPECT_EQ(filled(rings), (std::vector<std::size_t>{0, 8, 72, 80, 88, 92, 96}));
    EXPECT_NEAR(rings[72], 4.0 / std::cosh(0.5), 1e-5);
    EXPECT_NEAR(rings[96], 8.0 / std::cosh(0.5), 1e-5);
}

TEST(RingSums, rounds_the_larger_of_both_distances) {
    Cells cells;
    cells.add(0.0, 0.0, 10.0, 2);
    cells.add(0.03, 0.0, 1.0, 2);               // r = 1.2 -> ring 1
    cells.add(0.04, 0.0, 2.0, 2);               // r = 1.6 -> ring 2
    cells.add(0.025, 3.0 * 0.0245437, 4.0, 2);  // phi decides: ring 3
    cells.add(-0.125, -0.0245437, 8.0, 2);      // eta decides: ring 5
    cells.add(0.2, 0.0, 16.0, 2);               // r = 8: outside
    const Rings rings = rings_of(cells, 0.0, 0.0);
    EXPECT_EQ(filled(rings), (std::vector<std::size_t>{72, 73, 74, 75, 77}));
    EXPECT_FLOAT_EQ(rings[73], 1.0F);
    EXPECT_FLOAT_EQ(rings[74], 2.0F);
    EXPECT_FLOAT_EQ(rings[75], 4.0F);
    EXPECT_FLOAT_EQ(rings[77], 8.0F);
}

TEST(RingSums, the_border_of_two_rings_is_half_way) {
    Cells cells;
    cells.add(0.0, 0.0, 10.0, 1);
    cells.add(0.00468, 0.0, 1.0, 1);  // 1.4976 rings of 0.003125
    cells.add(0.00469, 0.0, 2.0, 1);  // 1.5008
    const Rings rings = rings_of(cells, 0.0, 0.0);
    EXPECT_EQ(filled(rings), (std::vector<std::size_t>{8, 9, 10}));
    EXPECT_FLOAT_EQ(rings[9], 1.0F);
    EXPECT_FLOAT_EQ(rings[10], 2.0F);
}

TEST(RingSums, seeks_the_hottest_cell_only_in_the_search_window) {
    Cells cells;
    cells.add(0.0, 0.0, 5.0, 2);
    cells.add(0.075, 0.0, 50.0, 2);  // hotter, outside 0.05
    const Rings rings = rings_of(cells, 0.0, 0.0);
    EXPECT_FLOAT_EQ(rings[72], 5.0F);
    EXPECT_FLOAT_EQ(rings[75], 50.0F);
}

TEST(RingSums, takes_the_cluster_as_centre_where_no_cell_is_near) {
    Cells cells;
    cells.add(1.1, 0.0, 5.0, 4);
    const Rings rings = rings_of(cells, 1.0, 0.0);
    EXPECT_EQ(filled(rings), (std::vector<std::size_t>{89}));
    EXPECT_NEAR(rings[89], 5.0 / std::cosh(1.0), 1e-5);
}

TEST(RingSums, wraps_phi) {
    Cells cells;
    const double pi = std::numbers::pi;
    cells.add(0.0, pi - 0.01, 5.0, 2);
    cells.add(0.0, -pi + 0.0145437, 1.0, 2);
    const Rings rings = rings_of(cells, 0.0, -pi + 0.01);
    EXPECT_FLOAT_EQ(rings[72], 5.0F);
    EXPECT_FLOAT_EQ(rings[73], 1.0F);
}

TEST(RingSums, keeps_negative_sums_and_passes_over_unknown_layers) {
    Cells cells;
    cells.add(0.0, 0.0, -3.0, 6);
    cells.add(0.0, 0.0, 99.0, 7);
    const Rings rings = rings_of(cells, 0.0, 0.0);
    EXPECT_FLOAT_EQ(rings[96], -3.0F);
    EXPECT_EQ(filled(rings).size(), 1U);
}

TEST(RingSums, a_narrow_window_cuts_the_outer_cells) {
    Cells cells;
    cells.add(0.3, 0.0, 1.0, 4);
    EXPECT_EQ(filled(rings_of(cells, 0.0, 0.0)), (std::vector<std::size_t>{91}));
    EXPECT_TRUE(filled(rings_of(cells, 0.0, 0.0, {.half_width = 0.25})).empty());
}

TEST(RingSums, no_cells_give_zeros) { EXPECT_TRUE(filled(rings_of(Cells{}, 0.0, 0.0)).empty()); }

TEST(RingNormalisation, divides_by_the_absolute_sum) {
    std::vector<float> rings = {-3.0F, 1.0F};
    normalise_rings(RingNormalisation::absolute_sum, rings);
    EXPECT_EQ(rings, (std::vector<float>{-1.5F, 0.5F}));
}

TEST(RingNormalisation, a_sum_of_zero_divides_by_one) {
    std::vector<float> rings = {-1.0F, 1.0F};
    normalise_rings(RingNormalisation::absolute_sum, rings);
    EXPECT_EQ(rings, (std::vector<float>{-1.0F, 1.0F}));
}

TEST(RingNormalisation, leaves_a_negative_signed_sum_alone) {
    std::vector<float> negative = {-3.0F, 1.0F};
    normalise_rings(RingNormalisation::signed_sum, negative);
    EXPECT_EQ(negative, (std::vector<float>{-3.0F, 1.0F}));
    std::vector<float> positive = {3.0F, 1.0F};
    normalise_rings(RingNormalisation::signed_sum, positive);
    EXPECT_EQ(positive, (std::vector<float>{0.75F, 0.25F}));
}

TEST(RingNormalisation, sequential_divides_by_what_the_inner_rings_left) {
    std::array<float, kRingCount> rings{};
    rings[88] = 6.0F;   // HAD1: sum 10
    rings[89] = 3.0F;   // left 4
    rings[90] = 0.95F;  // left 1
    rings[91] = 0.05F;  // left 0.05, below the stop energy: by 10
    normalise_rings(RingNormalisation::sequential, rings);
    EXPECT_NEAR(rings[88], 0.6, 1e-6);
    EXPECT_NEAR(rings[89], 0.75, 1e-6);
    EXPECT_NEAR(rings[90], 0.95, 1e-6);
    EXPECT_NEAR(rings[91], 0.005, 1e-6);
    EXPECT_EQ(rings[0], 0.0F);
}

TEST(RingNormalisation, sequential_divides_a_weak_set_by_its_largest_ring) {
    std::array<float, kRingCount> rings{};
    rings[0] = 0.06F;
    rings[1] = -0.04F;  // sum 0.02 below 0.06
    normalise_rings(RingNormalisation::sequential, rings);
    EXPECT_NEAR(rings[0], 1.0, 1e-6);
    EXPECT_NEAR(rings[1], -0.04 / 0.06, 1e-6);
}

TEST(RingNormalisation, names_are_found_again) {
    for (const auto each : {RingNormalisation::none, RingNormalisation::absolute_sum,
                            RingNormalisation::signed_sum, RingNormalisation::sequential}) {
        EXPECT_EQ(find_ring_normalisation(to_string(each)), each);
    }
    EXPECT_FALSE(find_ring_normalisation("l2").has_value());
}

TEST(HalfRings, are_the_first_half_of_every_set) {
    const auto& half = half_ring_indices();
    EXPECT_EQ(half[0], 0);
    EXPECT_EQ(half[3], 3);
    EXPECT_EQ(half[4], 8);
    EXPECT_EQ(half[35], 39);
    EXPECT_EQ(half[36], 72);
    EXPECT_EQ(half[40], 80);
    EXPECT_EQ(half[44], 88);
    EXPECT_EQ(half[45], 89);
    EXPECT_EQ(half[46], 92);
    EXPECT_EQ(half[49], 97);
}

}  // namespace
}  // namespace tamis::models
