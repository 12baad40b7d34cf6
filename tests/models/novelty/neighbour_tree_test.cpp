#include "models/novelty/neighbour_tree.hpp"

#include <gtest/gtest.h>

#include "models/novelty/rolling_buffer.hpp"
#include "tests/models/novelty/random_points.hpp"

namespace tamis::models {
namespace {

using tests::by_distance;
using tests::random_points;

TEST(NeighbourTree, finds_what_a_walk_over_all_points_finds) {
    for (const std::size_t width : {std::size_t{1}, std::size_t{4}, std::size_t{7}}) {
        const std::vector<double> points = random_points(400, width, 1);
        const NeighbourTree tree(points, width);
        ASSERT_EQ(tree.size(), 400U);
        const std::vector<double> asked = random_points(30, width, 2);
        for (std::size_t i = 0; i < 30; ++i) {
            const auto at = std::span(asked).subspan(i * width, width);
            const auto wanted = by_distance(points, at);
            for (const std::size_t count : {std::size_t{1}, std::size_t{10}, std::size_t{400}}) {
                const Neighbours found = tree.nearest(at, count);
                ASSERT_EQ(found.places.size(), count);
                for (std::size_t k = 0; k < count; ++k) {
                    EXPECT_EQ(found.places[k], wanted[k].second);
                    EXPECT_NEAR(found.distances[k], wanted[k].first, 1e-12);
                }
            }
        }
    }
}

TEST(NeighbourTree, a_point_is_not_its_own_neighbour) {
    const std::vector<double> points = random_points(100, 3, 3);
    const NeighbourTree tree(points, 3);
    for (std::size_t place = 0; place < 100; ++place) {
        const auto wanted = by_distance(points, tree.point(place));
        const Neighbours found = tree.nearest_of(place, 5);
        ASSERT_EQ(found.places.size(), 5U);
        for (std::size_t k = 0; k < 5; ++k) {
            EXPECT_EQ(found.places[k], wanted[k + 1].second);
            EXPECT_NEAR(found.distances[k], wanted[k + 1].first, 1e-12);
        }
    }
}

TEST(NeighbourTree, many_points_at_one_place_have_neighbours_at_no_distance) {
    const NeighbourTree tree(std::vector<double>(40, 1.5), 2);
    for (std::size_t place = 0; place < 20; ++place) {
        const Neighbours found = tree.nearest_of(place, 4);
        EXPECT_EQ(found.distances, std::vector<double>(4, 0.0));
    }
}

TEST(RollingBuffer, remembers_the_last_points_alone) {
    const std::vector<double> points = random_points(60, 4, 4);
    RollingBuffer buffer(20, 4, 3);
    for (std::size_t event = 0; event < 60; ++event) {
        const auto at = std::span(points).subspan(event * 4, 4);
        const std::size_t first = event < 20 ? 0 : event - 20;
        const auto before = std::span(points).subspan(first * 4, (event - first) * 4);
        const auto found = buffer.mean_distance(at);
        ASSERT_EQ(found.has_value(), event >= 3) << event;
        if (found) {
            EXPECT_NEAR(*found, tests::mean_distance(before, at, 3), 1e-12);
        }
        buffer.add(at);
        EXPECT_EQ(buffer.size(), std::min<std::size_t>(event + 1, 20));
    }
}

}  // namespace
}  // namespace tamis::models
