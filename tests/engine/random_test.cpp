#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/random_normals.hpp"

namespace tamis::engine {
namespace {

TEST(RandomNormals, have_the_moments_of_a_normal) {
    std::vector<float> values(400'000);
    random_normals(3, 5, 0, values);
    std::vector<double> moments(5);
    for (const double value : values) {
        ASSERT_TRUE(std::isfinite(value));
        for (std::size_t k = 1; k < moments.size(); ++k) {
            moments[k] += std::pow(value, k) / static_cast<double>(values.size());
        }
    }
    EXPECT_NEAR(moments[1], 0.0, 0.01);
    EXPECT_NEAR(moments[2], 1.0, 0.01);
    EXPECT_NEAR(moments[3], 0.0, 0.03);
    EXPECT_NEAR(moments[4], 3.0, 0.06);
    double neighbours = 0.0;
    for (std::size_t i = 1; i < values.size(); ++i) {
        neighbours += static_cast<double>(values[i]) * values[i - 1];
    }
    EXPECT_NEAR(neighbours / static_cast<double>(values.size()), 0.0, 0.01);
}

TEST(RandomNormals, do_not_depend_on_how_they_are_asked_for) {
    std::vector<float> whole(1000);
    random_normals(3, 5, 8, whole);
    for (const std::size_t piece : {4U, 12U, 300U, 1000U}) {
        for (std::size_t first = 0; first < whole.size(); first += piece) {
            std::vector<float> part(std::min(piece, whole.size() - first));
            random_normals(3, 5, 8 + first, part);
            for (std::size_t i = 0; i < part.size(); ++i) ASSERT_EQ(part[i], whole[first + i]);
        }
    }
    std::vector<float> other(1000);
    random_normals(4, 5, 8, other);
    EXPECT_NE(other, whole);
    random_normals(3, 6, 8, other);
    EXPECT_NE(other, whole);
}

}  // namespace
}  // namespace tamis::engine
