#include "engine/dense_products.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/random.hpp"
#include "tests/engine/vector_units.hpp"

namespace tamis::engine {
namespace {

std::vector<float> values(std::size_t count, std::uint64_t stream) {
    std::vector<float> numbers(count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = random_normal(11, stream, i);
    return numbers;
}

struct Shape {
    std::size_t rows, inner, columns;
};

void compare(const Shape& s, bool is_transposed, bool has_ends) {
    SCOPED_TRACE(std::to_string(s.rows) + " x " + std::to_string(s.inner) + " x " +
                 std::to_string(s.columns) + (is_transposed ? " transposed" : ""));
    const auto a = values(s.rows * s.inner, 1);
    const auto b = values(s.inner * s.columns, 2);
    const auto bias = values(s.columns, 3);
    constexpr float kUntouched = 77.F;
    std::vector<float> out(s.rows * s.columns + 1, kUntouched);
    const DenseProduct product{.rows = s.rows,
                               .inner = s.inner,
                               .columns = s.columns,
                               .a = a.data(),
                               .a_row_stride = is_transposed ? 1 : s.inner,
                               .a_inner_stride = is_transposed ? s.rows : 1,
                               .b = b.data(),
                               .out = out.data(),
                               .bias = has_ends ? bias.data() : nullptr,
                               .has_relu = has_ends,
                               .negative_slope = 0.125F};
    multiply(product);
    for (std::size_t row = 0; row < s.rows; ++row) {
        for (std::size_t column = 0; column < s.columns; ++column) {
            double sum = has_ends ? bias[column] : 0.;
            double size = std::abs(sum);
            for (std::size_t k = 0; k < s.inner; ++k) {
                const double term =
                    static_cast<double>(
                        a[row * product.a_row_stride + k * product.a_inner_stride]) *
                    b[k * s.columns + column];
                sum += term;
                size += std::abs(term);
            }
            if (has_ends && sum < 0) sum *= product.negative_slope;
            ASSERT_NEAR(out[row * s.columns + column], sum, 1e-6 * size) << row << ", " << column;
        }
    }
    EXPECT_EQ(out.back(), kUntouched);
}

// Every remainder of rows, columns and blocks of terms, on both sides.
TEST(DenseProducts, agree_with_sums_in_double) {
    test::on_every_vector_unit([](const VectorUnit&) {
        for (std::size_t columns = 1; columns <= 66; ++columns) {
            compare({7, 5, columns}, false, true);
            compare({13, 300, columns}, true, false);
        }
        for (std::size_t rows = 1; rows <= 30; ++rows) {
            compare({rows, 9, 21}, false, false);
            compare({rows, 200, 50}, true, true);
        }
        compare({128, 64, 64}, false, true);
        compare({3, 1, 3}, true, true);
    });
}

TEST(DenseProducts, go_back_through_a_relu) {
    test::on_every_vector_unit([](const VectorUnit&) {
        constexpr std::size_t kRows = 13;
        constexpr std::size_t kInner = 300;  // two blocks of terms
        for (std::size_t columns = 1; columns <= 66; ++columns) {
            const auto a = values(kRows * kInner, 1);
            const auto b = values(kInner * columns, 2);
            const auto result = values(kRows * columns, 6);
            std::vector<float> sums(kRows * columns);
            DenseProduct product{.rows = kRows,
                                 .inner = kInner,
                                 .columns = columns,
                                 .a = a.data(),
                                 .a_row_stride = kInner,
                                 .a_inner_stride = 1,
                                 .b = b.data(),
                                 .out = sums.data()};
            multiply(product);
            std::vector<float> back(sums.size());
            product.out = back.data();
            product.relu_result = result.data();
            product.negative_slope = 0.125F;
            multiply(product);
            for (std::size_t i = 0; i < sums.size(); ++i) {
                ASSERT_EQ(back[i], result[i] > 0 ? sums[i] : 0.125F * sums[i]) << i << columns;
            }
        }
    });
}

TEST(DenseProducts, of_an_element_do_not_depend_on_its_place) {
    test::on_every_vector_unit([](const VectorUnit&) {
        constexpr std::size_t kInner = 500;
        const auto a = values(kInner, 1);
        const auto b = values(kInner, 2);
        const auto at = [&](std::size_t rows, std::size_t columns) {
            std::vector<float> left(rows * kInner);
            std::vector<float> right(kInner * columns);
            for (std::size_t k = 0; k < kInner; ++k) {
                left[(rows - 1) * kInner + k] = a[k];
                right[k * columns + columns - 1] = b[k];
            }
            std::vector<float> out(rows * columns);
            multiply({.rows = rows,
                      .inner = kInner,
                      .columns = columns,
                      .a = left.data(),
                      .a_row_stride = kInner,
                      .a_inner_stride = 1,
                      .b = right.data(),
                      .out = out.data()});
            return out.back();
        };
        const float alone = at(1, 1);
        for (const std::size_t columns : {8U, 50U, 64U}) {
            EXPECT_EQ(at(7, columns), at(1, columns));
        }
        EXPECT_EQ(at(13, 1), alone);
    });
}

TEST(DenseProducts, transpose_a_matrix) {
    test::on_every_vector_unit([](const VectorUnit&) {
        constexpr float kUntouched = 77.F;
        for (std::size_t rows = 1; rows <= 13; ++rows) {
            for (std::size_t columns = 1; columns <= 13; ++columns) {
                const auto from = values(rows * columns, 5);
                std::vector<float> to(from.size() + 1, kUntouched);
                transpose(from.data(), rows, columns, to.data());
                for (std::size_t i = 0; i < from.size(); ++i) {
                    ASSERT_EQ(to[i % columns * rows + i / columns], from[i]) << rows << columns;
                }
                EXPECT_EQ(to.back(), kUntouched);
            }
        }
    });
}

TEST(DenseProducts, sum_the_rows) {
    test::on_every_vector_unit([](const VectorUnit&) {
        for (const std::size_t columns : {1U, 3U, 4U, 7U, 8U, 9U, 50U, 59U, 64U, 130U, 137U}) {
            const auto numbers = values(128 * columns, 4);
            std::vector<float> sums(columns);
            sum_rows(numbers.data(), 128, columns, sums.data());
            for (std::size_t column = 0; column < columns; ++column) {
                float sum = 0.F;
                for (std::size_t row = 0; row < 128; ++row) sum += numbers[row * columns + column];
                EXPECT_EQ(sums[column], sum);
            }
        }
    });
}

}  // namespace
}  // namespace tamis::engine
