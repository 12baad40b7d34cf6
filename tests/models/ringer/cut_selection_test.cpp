#include "models/ringer/cut_selection.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tamis::models {
namespace {

// Passes every point at 30 GeV and |eta| 0.3, nowhere by much.
ShowerShapes tight_electron() {
    ShowerShapes shapes;
    shapes.e277 = 100;
    shapes.e237 = 73;  // .7288
    shapes.f1 = 0.3F;
    shapes.emaxs1 = 100;
    shapes.e2tsts1 = 16;  // .7241 against .72
    shapes.ehad1 = static_cast<float>(0.0587 * 30 * std::cosh(0.3));
    return shapes;
}

std::size_t points_passed(const ShowerShapes& shapes, double et = 30, double eta = 0.3) {
    std::size_t passed = 0;
    for (const CutPoint point : kCutPoints) {
        passed += passes_cuts(point, shapes, et, eta) ? 1 : 0;
    }
    return passed;
}

TEST(CutSelection, each_cut_of_the_published_tables_decides) {
    EXPECT_EQ(points_passed(tight_electron()), 4U);
    ShowerShapes core = tight_electron();
    core.e237 = 72;  // medium .716
    EXPECT_EQ(points_passed(core), 3U);
    core.e237 = 71.5F;  // loose .7112
    EXPECT_EQ(points_passed(core), 2U);
    core.e237 = 70;  // very loose .6912
    EXPECT_EQ(points_passed(core), 1U);
    ShowerShapes strips = tight_electron();
    strips.e2tsts1 = 18;  // .6949, medium .656
    EXPECT_FALSE(passes_cuts(CutPoint::tight, strips, 30, 0.3));
    EXPECT_TRUE(passes_cuts(CutPoint::medium, strips, 30, 0.3));
    strips.e2tsts1 = 100;  // no cut for loose
    EXPECT_EQ(points_passed(strips), 2U);
    ShowerShapes hadronic = tight_electron();
    hadronic.ehad1 *= 1.03F;  // .0605: very loose .0612
    EXPECT_EQ(points_passed(hadronic), 1U);
}

TEST(CutSelection, strips_are_not_looked_at_in_cracks_and_without_energy) {
    ShowerShapes shapes = tight_electron();
    shapes.e2tsts1 = 100;
    EXPECT_FALSE(passes_cuts(CutPoint::tight, shapes, 30, 0.3));
    shapes.f1 = 0.004F;
    EXPECT_TRUE(passes_cuts(CutPoint::tight, shapes, 30, 0.3));
    shapes.f1 = 0.3F;
    shapes.ehad1 = 0;
    EXPECT_TRUE(passes_cuts(CutPoint::tight, shapes, 30, -1.45));
    EXPECT_FALSE(passes_cuts(CutPoint::tight, shapes, 30, -1.6));
    EXPECT_TRUE(passes_cuts(CutPoint::tight, shapes, 30, 2.4));
}

TEST(CutSelection, no_hadronic_cut_above_90_gev) {
    ShowerShapes shapes = tight_electron();
    shapes.ehad1 = 80;
    EXPECT_EQ(points_passed(shapes, 89), 0U);
    EXPECT_EQ(points_passed(shapes, 91), 4U);
}

TEST(CutSelection, table_follows_the_energy_or_the_chain) {
    ShowerShapes shapes = tight_electron();
    shapes.e237 = 72;  // tight: .71296 below 22 GeV, .7288 above
    shapes.ehad1 = 0.4F;
    EXPECT_TRUE(passes_cuts(CutPoint::tight, shapes, 21.9, 0.3));
    EXPECT_FALSE(passes_cuts(CutPoint::tight, shapes, 22, 0.3));
    EXPECT_FALSE(passes_cuts(CutPoint::tight, shapes, 21.9, 0.3, 22));
    shapes.e237 = 50;  // .448 below 12 GeV
    EXPECT_TRUE(passes_cuts(CutPoint::tight, shapes, 11.9, 0.3));
    EXPECT_FALSE(passes_cuts(CutPoint::tight, shapes, 12, 0.3));
}

TEST(CutSelection, points_are_nested_from_22_gev_on) {
    // A grid over all cuts and |eta| bins.
    for (double eta = 0.05; eta < 2.47; eta += 0.11) {
        for (int core = 55; core < 80; ++core) {
            for (int second = 0; second < 40; second += 3) {
                for (int hadronic = 0; hadronic < 8; ++hadronic) {
                    ShowerShapes shapes = tight_electron();
                    shapes.e237 = static_cast<float>(core);
                    shapes.e2tsts1 = static_cast<float>(second);
                    shapes.ehad1 = static_cast<float>(0.01 * hadronic * 30 * std::cosh(eta));
                    bool outer = true;
                    for (auto point = kCutPoints.rbegin(); point != kCutPoints.rend(); ++point) {
                        const bool inner = passes_cuts(*point, shapes, 30, eta);
                        ASSERT_TRUE(outer || !inner) << to_string(*point) << " eta " << eta;
                        outer = inner;
                    }
                }
            }
        }
    }
}

TEST(CutSelection, cluster_must_lie_at_its_region_of_interest_and_inside_the_detector) {
    ShowerShapes shapes = tight_electron();
    shapes.roi_delta_eta = -0.11F;
    EXPECT_EQ(points_passed(shapes), 0U);
    shapes = tight_electron();
    shapes.roi_delta_phi = 0.11F;
    EXPECT_EQ(points_passed(shapes), 0U);
    EXPECT_EQ(points_passed(tight_electron(), 30, 2.47), 0U);
    EXPECT_EQ(points_passed(tight_electron(), 30, std::numeric_limits<double>::quiet_NaN()), 0U);
    // An edge and |eta| of 0 are in a bin here.
    ShowerShapes better = tight_electron();
    better.ehad1 = 0;
    EXPECT_EQ(points_passed(better, 30, 0), 4U);
    EXPECT_EQ(points_passed(better, 30, 0.6), 4U);
}

TEST(CutSelection, nothing_is_no_electron) {
    EXPECT_EQ(points_passed({}), 0U);
    ShowerShapes shapes = tight_electron();
    shapes.e237 = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(points_passed(shapes), 0U);
    shapes = tight_electron();
    shapes.emaxs1 = 0;
    shapes.e2tsts1 = 0;
    EXPECT_FALSE(passes_cuts(CutPoint::tight, shapes, 30, 0.3));
    EXPECT_TRUE(passes_cuts(CutPoint::loose, shapes, 30, 0.3));
}

TEST(CutSelection, points_have_names) {
    for (const CutPoint point : kCutPoints) {
        EXPECT_EQ(find_cut_point(to_string(point)), point);
    }
    EXPECT_FALSE(find_cut_point("Tight").has_value());
}

}  // namespace
}  // namespace tamis::models
