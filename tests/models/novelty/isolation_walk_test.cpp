#include "models/novelty/isolation_walk.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/novelty/random_points.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using tests::random_points;

IsolationReference reference_of(std::size_t count, std::size_t width, std::size_t neighbours) {
    return IsolationReference::make(random_points(count, width, count), width, neighbours).value();
}

// Both search the same points in another way; the bits are the same, of outliers as well.
TEST(IsolationWalk, answers_with_the_bits_of_the_tree) {
    for (const std::size_t width : {1U, 2U, 4U, 8U, 21U}) {
        for (const std::size_t count : {12U, 63U, 64U, 65U, 1000U}) {
            const IsolationReference reference = reference_of(count, width, 10);
            const IsolationWalk walk(reference);
            const IsolationWalk baseline(reference, WalkInstructions::baseline);
            IsolationWalk::Scratch scratch(walk);
            std::vector<double> asked = random_points(40, width, 9);
            for (std::size_t i = 0; i < 5 * width; ++i) {
                asked[i] *= 100;
            }
            for (std::size_t event = 0; event < 40; ++event) {
                const auto at = std::span(asked).subspan(event * width, width);
                const IsolationAnswer wanted = reference.answer(at);
                const IsolationAnswer answer = walk.answer(at, scratch);
                EXPECT_EQ(answer.isolation, wanted.isolation) << width << " " << count;
                EXPECT_EQ(answer.distance, wanted.distance);
                EXPECT_EQ(answer.usual, wanted.usual);
                EXPECT_EQ(answer.spread, wanted.spread);
                EXPECT_EQ(baseline.answer(at, scratch).isolation, wanted.isolation);
            }
        }
    }
}

TEST(IsolationWalk, a_reference_point_is_its_own_nearest) {
    const IsolationReference reference = reference_of(300, 4, 1);
    const IsolationWalk walk(reference);
    IsolationWalk::Scratch scratch(walk);
    for (const std::size_t place : {0U, 63U, 64U, 299U}) {
        const IsolationAnswer answer = walk.answer(reference.point(place), scratch);
        EXPECT_EQ(answer.distance, 0);
        EXPECT_EQ(answer.usual, reference.own_distances()[place]);
    }
}

TEST(IsolationWalk, allocates_nothing) {
    const IsolationWalk walk(reference_of(500, 4, 10));
    IsolationWalk::Scratch scratch(walk);
    const std::vector<double> at(4, 0.5);
    const tests::AllocationGuard guard;
    EXPECT_TRUE(std::isfinite(walk.answer(at, scratch).isolation));
    EXPECT_EQ(guard.allocations(), 0U);
}

}  // namespace
}  // namespace tamis::models
