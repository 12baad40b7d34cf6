#include "models/ringer/shower_shapes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "models/ringer/ringer_samples.hpp"
#include "tests/models/ringer/cell_maker.hpp"

namespace tamis::models {
namespace {

constexpr double kEta = 0.5, kPhi = 1.0;

ShowerShapes shapes_of(const Cells& cells) {
    return find_shower_shapes(cells.arrays(), static_cast<float>(kEta), static_cast<float>(kPhi));
}

// A cell of the middle layer, counted from the cluster's.
void add_middle(Cells& cells, int eta_cell, int phi_cell, double energy) {
    cells.add(kEta + eta_cell * 0.025, kPhi + phi_cell * 0.0245437, energy, 2);
}

TEST(ShowerShapes, core_is_three_by_seven_of_seven_by_seven_cells) {
    Cells cells;
    add_middle(cells, 0, 0, 10);
    for (const auto& [eta, phi] : {std::pair{1, 3}, {-1, -3}, {2, 0}, {-3, 3}}) {
        add_middle(cells, eta, phi, 1);
    }
    for (const auto& [eta, phi] : {std::pair{4, 0}, {0, 4}, {0, -4}}) {
        add_middle(cells, eta, phi, 100e-3);
    }
    const ShowerShapes shapes = shapes_of(cells);
    EXPECT_NEAR(shapes.e237, 12, 1e-5);
    EXPECT_NEAR(shapes.e277, 14, 1e-5);
}

TEST(ShowerShapes, core_is_centred_on_the_hottest_cell_near_the_cluster) {
    Cells cells;
    add_middle(cells, 0, 0, 1);
    add_middle(cells, 1, 0, 10);
    add_middle(cells, 4, 0, 2);   // three cells from the hottest
    add_middle(cells, 6, 0, 50);  // outside the search window and the 7 x 7 cells
    EXPECT_NEAR(shapes_of(cells).e277, 13, 1e-5);
}

TEST(ShowerShapes, phi_goes_round) {
    Cells cells;
    cells.add(0.5, 3.1415, 10, 2);
    cells.add(0.5, -3.1415, 1, 2);
    const ShowerShapes shapes = find_shower_shapes(cells.arrays(), 0.5F, 3.14F);
    EXPECT_NEAR(shapes.e237, 11, 1e-5);
}

TEST(ShowerShapes, second_strip_is_a_maximum_of_its_own) {
    Cells cells;
    const auto add_strip = [&](int strip, double energy) {
        cells.add(kEta + strip * 0.003125, kPhi, energy, 1);
    };
    add_strip(0, 5);
    add_strip(1, 4);  // the shoulder of the first is none
    add_strip(4, 1);
    add_strip(6, 3);
    cells.add(kEta + 6 * 0.003125, kPhi + 0.09, 0.5, 1);  // the same strip, next cell in phi
    add_strip(30, 9);                                     // too far
    const ShowerShapes shapes = shapes_of(cells);
    EXPECT_NEAR(shapes.emaxs1, 5, 1e-5);
    EXPECT_NEAR(shapes.e2tsts1, 3.5, 1e-5);
}

TEST(ShowerShapes, first_layers_share_and_hadronic_energy) {
    Cells cells;
    cells.add(kEta, kPhi, 2, 0);
    cells.add(kEta, kPhi, 3, 1);
    cells.add(kEta, kPhi, 10, 2);
    cells.add(kEta, kPhi, 5, 3);
    cells.add(kEta, kPhi, 7, 4);
    cells.add(kEta + 0.1, kPhi, 1, 4);
    cells.add(kEta + 0.2, kPhi, 8, 4);
    cells.add(kEta, kPhi, 9, 5);
    const ShowerShapes shapes = shapes_of(cells);
    EXPECT_NEAR(shapes.f1, 3.0 / 20, 1e-6);
    EXPECT_NEAR(shapes.ehad1, 8, 1e-5);
}

TEST(ShowerShapes, nothing_without_cells) {
    const ShowerShapes shapes = shapes_of({});
    EXPECT_EQ(shapes.e277 + shapes.emaxs1 + shapes.e2tsts1 + shapes.f1 + shapes.ehad1, 0.0F);
}

TEST(ShowerShapes, of_synthetic_electrons_are_narrower_than_of_jets) {
    double core[2] = {}, count[2] = {};
    for (const RingerSample& sample : make_ringer_samples(5, 1, 400)) {
        ASSERT_TRUE(sample.shapes.has_value());
        if (sample.et > 20 && sample.shapes->e277 > 0) {
            core[sample.is_electron ? 1 : 0] += sample.shapes->e237 / sample.shapes->e277;
            count[sample.is_electron ? 1 : 0] += 1;
        }
    }
    ASSERT_GT(std::min(count[0], count[1]), 20);
    EXPECT_GT(core[1] / count[1], core[0] / count[0] + 0.05);
    EXPECT_LT(core[1] / count[1], 1.0);
}

}  // namespace
}  // namespace tamis::models
