#include "models/roc_error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/random.hpp"
#include "models/calibration.hpp"

namespace tamis::models {
namespace {

TEST(RocError, placements_and_area_of_samples_one_can_count) {
    const std::vector<float> background = {1, 2, 3, 4};
    const std::vector<float> signal = {2.5F, 4, 5};
    const RocPlacements placements = roc_placements(background, signal);
    EXPECT_EQ(placements.of_signal, (std::vector<double>{0.5, 0.875, 1}));
    ASSERT_EQ(placements.of_background.size(), 4U);
    EXPECT_NEAR(placements.of_background[2], 2.0 / 3, 1e-12);
    EXPECT_NEAR(placements.of_background[3], 0.5, 1e-12);
    EXPECT_NEAR(placements.area, roc_area(background, signal), 1e-12);
    // Variances of the placements by hand: 0.067708 of three, 0.0625 of four.
    EXPECT_NEAR(area_error(placements), std::sqrt(0.06770833 / 3 + 0.0625 / 4), 1e-6);
}

// What the errors claim against the spread of many repetitions.
TEST(RocError, errors_are_the_spread_of_repetitions) {
    constexpr std::size_t kRepetitions = 400, kEvents = 150;
    double sum = 0, squares = 0, claimed = 0;
    double difference_sum = 0, difference_squares = 0, difference_claimed = 0;
    for (std::size_t repetition = 0; repetition < kRepetitions; ++repetition) {
        std::vector<float> first[2], second[2];
        for (std::size_t event = 0; event < kEvents; ++event) {
            for (const std::size_t is_signal : {0U, 1U}) {
                const std::uint64_t at = 2 * (repetition * kEvents + event) + is_signal;
                const float truth = engine::random_normal(1, 1, at);
                const float shift = is_signal == 1 ? 1.0F : 0.0F;
                first[is_signal].push_back(truth + shift);
                // Sees nearly the same, so that the difference is known far better than the areas.
                second[is_signal].push_back(truth + 0.9F * shift +
                                            0.1F * engine::random_normal(1, 2, at));
            }
        }
        const RocPlacements a = roc_placements(first[0], first[1]);
        const RocPlacements b = roc_placements(second[0], second[1]);
        sum += a.area;
        squares += a.area * a.area;
        claimed += area_error(a);
        difference_sum += a.area - b.area;
        difference_squares += (a.area - b.area) * (a.area - b.area);
        difference_claimed += difference_error(a, b);
    }
    const auto spread = [](double total, double of_squares) {
        const double mean = total / kRepetitions;
        return std::sqrt(of_squares / kRepetitions - mean * mean);
    };
    // 400 repetitions know their spread to 3.5 %.
    EXPECT_NEAR(claimed / kRepetitions / spread(sum, squares), 1, 0.12);
    EXPECT_NEAR(difference_claimed / kRepetitions / spread(difference_sum, difference_squares), 1,
                0.12);
    EXPECT_LT(difference_claimed, 0.5 * claimed);
}

}  // namespace
}  // namespace tamis::models
