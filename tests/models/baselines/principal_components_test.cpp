#include "models/baselines/principal_components.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "engine/random.hpp"

namespace tamis::models {
namespace {

// Rows along (3, 4, 0) / 5 around (10, 0, -2) with a little spread along the third axis.
std::vector<float> rows_along_a_line() {
    std::vector<float> rows;
    for (std::uint64_t row = 0; row < 2000; ++row) {
        const float along = 5 * engine::random_normal(3, 1, row);
        const float across = 0.5F * engine::random_normal(3, 2, row);
        rows.insert(rows.end(), {10 + 0.6F * along, 0.8F * along, -2 + across});
    }
    return rows;
}

TEST(PrincipalComponents, error_is_the_distance_from_the_kept_line) {
    const PrincipalComponents components(rows_along_a_line(), 3, 1);
    EXPECT_NEAR(components.variances()[0], 25, 1.5);
    EXPECT_NEAR(components.variances()[1], 0.25, 0.02);
    EXPECT_NEAR(components.variances()[2], 0, 1e-6);
    // On the line; 2 away from it in the plane of the first two axes; 1 along the third.
    EXPECT_NEAR(components.reconstruction_error(std::array{16.0F, 8.0F, -2.0F}), 0, 2e-3);
    EXPECT_NEAR(components.reconstruction_error(std::array{10 - 1.6F, 1.2F, -2.0F}), 4.0 / 3, 0.02);
    EXPECT_NEAR(components.reconstruction_error(std::array{10.0F, 0.0F, -1.0F}), 1.0 / 3, 0.02);
}

TEST(PrincipalComponents, nothing_kept_is_the_distance_from_the_mean) {
    const std::vector<float> rows = {0, 0, 2, 4};
    const PrincipalComponents components(rows, 2, 0);
    EXPECT_NEAR(components.reconstruction_error(std::array{1.0F, 2.0F}), 0, 1e-12);
    EXPECT_NEAR(components.reconstruction_error(std::array{4.0F, 6.0F}), (9 + 16) / 2.0, 1e-9);
}

}  // namespace
}  // namespace tamis::models
