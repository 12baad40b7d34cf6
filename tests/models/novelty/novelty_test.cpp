#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "models/novelty/novelty_evaluation.hpp"
#include "tests/models/novelty/random_points.hpp"

namespace tamis::models {
namespace {

using tests::by_distance;
using tests::mean_distance;
using tests::random_points;

constexpr std::size_t kWidth = 4, kNeighbours = 6;

IsolationReference reference_of(const std::vector<double>& points) {
    auto made = IsolationReference::make(points, kWidth, kNeighbours);
    EXPECT_TRUE(made.has_value()) << made.error();
    return *std::move(made);
}

// The formula by a walk over all points.
double plain_isolation(std::span<const double> reference, std::span<const double> at) {
    const auto near = by_distance(reference, at);
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < kNeighbours; ++k) {
        const auto neighbour = reference.subspan(near[k].second * kWidth, kWidth);
        const double theirs = mean_distance(reference, neighbour, kNeighbours, 1);
        sum += theirs;
        squares += theirs * theirs;
    }
    const double mean = sum / kNeighbours;
    return (mean_distance(reference, at, kNeighbours) - mean) /
           std::sqrt(squares / kNeighbours - mean * mean);
}

TEST(Novelty, isolation_agrees_with_a_walk_over_all_points) {
    const std::vector<double> reference = random_points(300, kWidth, 1);
    const IsolationReference measured = reference_of(reference);
    const std::vector<double> asked = random_points(50, kWidth, 2);
    for (std::size_t i = 0; i < 50; ++i) {
        const auto at = std::span(asked).subspan(i * kWidth, kWidth);
        const double wanted = plain_isolation(reference, at);
        const auto answer = measured.answer(at);
        EXPECT_NEAR(answer.distance, mean_distance(reference, at, kNeighbours), 1e-12);
        EXPECT_NEAR(answer.isolation, wanted, 1e-7 * (1 + std::abs(wanted)));
    }
}

TEST(Novelty, clustering_is_an_excess_in_poisson_deviations) {
    // Expected 2^-3 = 0.125, seen 1: (1 - 0.125) / sqrt(0.125).
    EXPECT_NEAR(clustering(1, 2, 3, 1), 0.875 / std::sqrt(0.125), 1e-12);
    EXPECT_EQ(clustering(2, 2, 3, 1), 0);
    EXPECT_LT(clustering(3, 2, 3, 1), 0);
    // Eight times the reference: nearest points half as far in three dimensions are no excess.
    EXPECT_NEAR(clustering(2, 1, 3, 8), 0, 1e-12);
}

TEST(Novelty, units_run_from_0_to_1) {
    EXPECT_EQ(to_unit(0, 2), 0.5);
    EXPECT_NEAR(to_unit(2, 2), 0.841344746, 1e-9);  // one deviation
    EXPECT_NEAR(to_unit(-2, 2), 0.158655254, 1e-9);
    EXPECT_EQ(to_unit(3, 0), 0.5);
    const std::vector<double> values = {3, -4, std::numeric_limits<double>::quiet_NaN()};
    EXPECT_NEAR(root_mean_square(values), std::sqrt(12.5), 1e-12);
}

TEST(Novelty, evaluation_agrees_with_the_formulas_event_by_event) {
    const std::vector<double> reference = random_points(200, kWidth, 3);
    const std::vector<double> accepted = random_points(80, kWidth, 4);
    constexpr std::size_t kBuffer = 25;
    const auto scores = evaluate_novelty(reference_of(reference), accepted,
                                         {.neighbours = kNeighbours, .buffer = kBuffer});
    ASSERT_TRUE(scores.has_value()) << scores.error();
    std::vector<double> isolation, excess;
    for (std::size_t event = 0; event < 80; ++event) {
        const auto at = std::span(accepted).subspan(event * kWidth, kWidth);
        isolation.push_back(plain_isolation(reference, at));
        const std::size_t first = event < kBuffer ? 0 : event - kBuffer;
        const auto before = std::span(accepted).subspan(first * kWidth, (event - first) * kWidth);
        if (event < kNeighbours) {
            EXPECT_TRUE(std::isnan(scores->clustering[event]));
            EXPECT_TRUE(std::isnan(scores->combined[event]));
            continue;
        }
        const double expected = std::pow(mean_distance(reference, at, kNeighbours), -4.0) *
                                static_cast<double>(event - first) / 200.0;
        const double seen = std::pow(mean_distance(before, at, kNeighbours), -4.0);
        excess.push_back((seen - expected) / std::sqrt(expected));
        EXPECT_NEAR(scores->clustering[event], excess.back(), 1e-9 * (1 + std::abs(excess.back())));
    }
    const auto rms = [](const std::vector<double>& values) {
        return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0) /
                         static_cast<double>(values.size()));
    };
    EXPECT_NEAR(scores->isolation_scale, rms(isolation), 1e-6);
    EXPECT_NEAR(scores->clustering_scale, rms(excess), 1e-6);
    for (std::size_t event = kNeighbours; event < 80; ++event) {
        const double alone =
            0.5 * (1 + std::erf(isolation[event] / rms(isolation) / std::sqrt(2.0)));
        const double among =
            0.5 * (1 + std::erf(excess[event - kNeighbours] / rms(excess) / std::sqrt(2.0)));
        EXPECT_NEAR(scores->combined[event], std::sqrt(alone * among), 1e-6) << event;
    }
}

// Far from the reference and close together: only both measures tell them from single outliers.
TEST(Novelty, a_cluster_of_anomalies_stands_out_in_the_combination) {
    std::vector<double> accepted = random_points(200, kWidth, 5);
    const std::vector<double> noise = random_points(40, kWidth, 6);
    const auto place = [&](std::size_t event, double at, double spread) {
        for (std::size_t axis = 0; axis < kWidth; ++axis) {
            accepted[event * kWidth + axis] = at + spread * noise[(event % 40) * kWidth + axis];
        }
    };
    for (std::size_t event = 160; event < 200; ++event) {
        place(event, 4, 0.2);
    }
    place(150, -5, 0.1);  // alone
    const auto scores = evaluate_novelty(reference_of(random_points(1000, kWidth, 7)), accepted,
                                         {.neighbours = kNeighbours, .buffer = 200});
    ASSERT_TRUE(scores.has_value()) << scores.error();
    EXPECT_GT(scores->isolation[150], scores->isolation[10]);
    EXPECT_LT(scores->clustering[150], scores->clustering[199] / 100);
    std::size_t beaten = 0;
    for (std::size_t event = kNeighbours; event < 160; ++event) {
        beaten += scores->combined[199] > scores->combined[event] ? 1 : 0;
    }
    EXPECT_EQ(beaten, 160 - kNeighbours);
}

TEST(Novelty, points_at_one_place_give_finite_measures) {
    const IsolationReference measured = reference_of(std::vector<double>(20 * kWidth, 1.0));
    EXPECT_EQ(measured.answer(std::vector<double>(kWidth, 1.0)).isolation, 0);
    EXPECT_TRUE(std::isfinite(measured.answer(std::vector<double>(kWidth, 2.0)).isolation));
    EXPECT_TRUE(std::isfinite(clustering(0, 0, kWidth, 1)));
}

TEST(Novelty, refuses_what_cannot_be_measured) {
    const auto refused = [](std::size_t points, std::size_t neighbours) {
        const auto made =
            IsolationReference::make(random_points(points, kWidth, 1), kWidth, neighbours);
        return made ? std::string() : made.error();
    };
    EXPECT_THAT(refused(7, 6), testing::HasSubstr("at least 8"));
    EXPECT_EQ(refused(8, 6), "");
    EXPECT_THAT(refused(8, 0), testing::HasSubstr("1 or more"));
    std::vector<double> points = random_points(20, kWidth, 1);
    points[3 * kWidth + 1] = std::numeric_limits<double>::infinity();
    const auto broken = IsolationReference::make(points, kWidth, 2);
    ASSERT_FALSE(broken.has_value());
    EXPECT_THAT(broken.error(), testing::HasSubstr("point 4"));
    const IsolationReference good = reference_of(random_points(20, kWidth, 1));
    EXPECT_FALSE(evaluate_novelty(good, points, {.neighbours = 6, .buffer = 5}).has_value());
    const auto event = evaluate_novelty(good, points, {.neighbours = 6, .buffer = 6});
    ASSERT_FALSE(event.has_value());
    EXPECT_THAT(event.error(), testing::HasSubstr("event 4"));
}

}  // namespace
}  // namespace tamis::models
