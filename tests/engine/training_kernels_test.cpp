#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/pool_kernel.hpp"
#include "engine/random.hpp"
#include "engine/relu_kernel.hpp"

namespace tamis::engine {
namespace {

// Few different values, so that windows often hold their maximum twice.
std::vector<float> rough_values(std::size_t count, std::uint64_t stream) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = std::round(2.F * random_normal(9, stream, i));
    }
    return values;
}

TEST(MaxPoolKernel, gives_each_gradient_to_the_first_maximum) {
    for (const std::size_t block : {8U, 16U}) {
        const PoolSizes sizes{3, block, 2, 5, 3, 2};
        constexpr std::size_t kHeight = 6;
        constexpr std::size_t kWidth = 10;
        const auto source = rough_values(3 * kHeight * kWidth * block, 1);
        const auto after = rough_values(3 * 2 * 5 * block, 2);
        std::vector<float> result(after.size());
        std::vector<float> before(source.size(), 7.F);
        max_pool_forward(sizes, source.data(), result.data());
        max_pool_backward(sizes, source.data(), result.data(), after.data(), before.data());
        std::vector<float> wanted(source.size(), 0.F);
        for (std::size_t out = 0; out < result.size(); ++out) {
            const std::size_t c = out % block;
            const std::size_t column = out / block % 5;
            const std::size_t line = out / block / 5;  // plane and row together
            std::size_t best = 0;
            float largest = -INFINITY;
            for (std::size_t i = 0; i < 3; ++i) {
                for (std::size_t j = 0; j < 2; ++j) {
                    const std::size_t at = ((line * 3 + i) * kWidth + column * 2 + j) * block + c;
                    if (source[at] > largest) {
                        largest = source[at];
                        best = at;
                    }
                }
            }
            ASSERT_EQ(result[out], largest);
            wanted[best] = after[out];
        }
        EXPECT_EQ(before, wanted);
    }
}

TEST(ReluKernel, stops_gradients_where_the_result_is_not_positive) {
    for (const float slope : {0.F, 0.25F}) {
        const auto result = rough_values(77, 3);
        const auto after = rough_values(77, 4);
        std::vector<float> before(77);
        relu_backward(result.data(), after.data(), slope, 77, before.data());
        for (std::size_t i = 0; i < before.size(); ++i) {
            EXPECT_EQ(before[i], result[i] > 0.F ? after[i] : slope * after[i]) << i;
        }
    }
}

}  // namespace
}  // namespace tamis::engine
