#include "models/fixed_point/fixed_point_conversion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

namespace tamis::models {
namespace {

constexpr auto kRoundings = std::to_array(
    {Rounding::floor, Rounding::toward_zero, Rounding::half_up, Rounding::half_down,
     Rounding::half_toward_zero, Rounding::half_away_from_zero, Rounding::half_to_even});
constexpr auto kOverflows = std::to_array(
    {Overflow::wrap, Overflow::saturate, Overflow::saturate_to_zero, Overflow::saturate_symmetric});

// Quarters to whole numbers of 8 bits.
std::vector<std::int64_t> rounded_quarters(Rounding rounding) {
    const FixedPointType whole{.is_signed = true, .width = 8, .rounding = rounding};
    const auto conversion = Conversion::between(16, 2, whole).value();
    std::vector<std::int64_t> rounded;
    for (const int quarters : {-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}) {
        rounded.push_back(conversion(quarters));
    }
    return rounded;
}

TEST(Conversion, each_rounding_by_hand) {
    using testing::ElementsAre;
    // -1.75 -1.5 -1.25 -1 -0.75 -0.5 -0.25 0 0.25 0.5 0.75 1 1.25 1.5 1.75
    EXPECT_THAT(rounded_quarters(Rounding::floor),
                ElementsAre(-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1));
    EXPECT_THAT(rounded_quarters(Rounding::toward_zero),
                ElementsAre(-1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1));
    EXPECT_THAT(rounded_quarters(Rounding::half_up),
                ElementsAre(-2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2));
    EXPECT_THAT(rounded_quarters(Rounding::half_down),
                ElementsAre(-2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2));
    EXPECT_THAT(rounded_quarters(Rounding::half_toward_zero),
                ElementsAre(-2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2));
    EXPECT_THAT(rounded_quarters(Rounding::half_away_from_zero),
                ElementsAre(-2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2));
    EXPECT_THAT(rounded_quarters(Rounding::half_to_even),
                ElementsAre(-2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2));
}

std::vector<std::int64_t> fitted(Overflow overflow, bool is_signed) {
    const FixedPointType three{.is_signed = is_signed, .width = 3, .overflow = overflow};
    const auto conversion = Conversion::between(16, 0, three).value();
    std::vector<std::int64_t> values;
    for (const int value : {-9, -5, -4, -1, 0, 3, 4, 7, 8, 13}) {
        values.push_back(conversion(value));
    }
    return values;
}

TEST(Conversion, each_overflow_by_hand) {
    using testing::ElementsAre;
    EXPECT_THAT(fitted(Overflow::wrap, true), ElementsAre(-1, 3, -4, -1, 0, 3, -4, -1, 0, -3));
    EXPECT_THAT(fitted(Overflow::wrap, false), ElementsAre(7, 3, 4, 7, 0, 3, 4, 7, 0, 5));
    EXPECT_THAT(fitted(Overflow::saturate, true), ElementsAre(-4, -4, -4, -1, 0, 3, 3, 3, 3, 3));
    EXPECT_THAT(fitted(Overflow::saturate, false), ElementsAre(0, 0, 0, 0, 0, 3, 4, 7, 7, 7));
    EXPECT_THAT(fitted(Overflow::saturate_to_zero, true),
                ElementsAre(0, 0, -4, -1, 0, 3, 0, 0, 0, 0));
    EXPECT_THAT(fitted(Overflow::saturate_symmetric, true),
                ElementsAre(-3, -3, -3, -1, 0, 3, 3, 3, 3, 3));
}

TEST(Conversion, saturates_what_rounding_lifted_out_of_range) {
    const FixedPointType two_places{.is_signed = true,
                                    .width = 8,
                                    .fraction = 2,
                                    .rounding = Rounding::half_to_even,
                                    .overflow = Overflow::saturate};
    const auto conversion = Conversion::between(18, 5, two_places).value();
    EXPECT_EQ(conversion(1020), 127);  // 31.875 rounds to 32, which is one too many
    EXPECT_EQ(conversion(1019), 127);
    EXPECT_EQ(conversion(-1024), -128);
    EXPECT_EQ(conversion(-1029), -128);
}

TEST(Conversion, adds_places_exactly) {
    const FixedPointType fine{.is_signed = true, .width = 20, .fraction = 9};
    EXPECT_EQ(Conversion::between(10, 2, fine).value()(-3), -384);
}

TEST(Conversion, many_at_once_are_as_each_alone_in_every_mode) {
    std::vector<std::int32_t> values;
    for (std::int32_t i = -700; i <= 700; ++i) {
        values.push_back(i);
        values.push_back(i * 1'000'003);
    }
    for (const Rounding rounding : kRoundings) {
        for (const Overflow overflow : kOverflows) {
            for (const bool is_signed : {true, false}) {
                for (const int fraction : {0, 3, 5, 9, -20}) {
                    const FixedPointType to{is_signed, 9, fraction, rounding, overflow};
                    const auto conversion = Conversion::between(31, 5, to).value();
                    std::vector<std::int32_t> all(values.size()), positive(values.size());
                    conversion.convert(values, all, Conversion::Ramp::all);
                    conversion.convert(values, positive, Conversion::Ramp::positive_part);
                    for (std::size_t i = 0; i < values.size(); ++i) {
                        ASSERT_EQ(all[i], conversion(values[i])) << to_string(to) << values[i];
                        ASSERT_EQ(positive[i], values[i] > 0 ? conversion(values[i]) : 0)
                            << to_string(to) << values[i];
                    }
                }
            }
        }
    }
}

TEST(Conversion, knows_when_nothing_can_change) {
    const FixedPointType wide{.is_signed = true, .width = 18, .fraction = 4};
    const FixedPointType narrow{.is_signed = false, .width = 10, .fraction = 4};
    EXPECT_TRUE(Conversion::between(narrow, wide).value().is_identity());
    EXPECT_TRUE(Conversion::between(wide, wide).value().is_identity());
    EXPECT_FALSE(Conversion::between(wide, narrow).value().is_identity());
}

TEST(Conversion, refuses_what_leaves_64_bits) {
    const FixedPointType far{.is_signed = true, .width = 62, .fraction = 60};
    const auto refused = Conversion::between(31, 0, far);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error(), testing::HasSubstr("more than 62 bits in between"));
    EXPECT_FALSE(Conversion::between(31, 70, FixedPointType{}).has_value());
}

TEST(FixedPointOf, converts_constants_as_assignments_do) {
    const FixedPointType whole{.is_signed = true, .width = 10};
    EXPECT_EQ(fixed_point_of(17.5, whole).value(), 17);
    EXPECT_EQ(fixed_point_of(-17.5, whole).value(), -18);
    EXPECT_EQ(fixed_point_of(-0.0, whole).value(), 0);
    EXPECT_EQ(fixed_point_of(513, whole).value(), -511);
    const FixedPointType half{.is_signed = true, .width = 10, .fraction = 1};
    EXPECT_EQ(fixed_point_of(17.5, half).value(), 35);
    const FixedPointType nearest{
        .is_signed = true, .width = 6, .fraction = 3, .rounding = Rounding::half_to_even};
    EXPECT_EQ(fixed_point_of(0.1, nearest).value(), 1);
    EXPECT_EQ(fixed_point_of(0.0625, nearest).value(), 0);
    EXPECT_EQ(fixed_point_of(0.1875, nearest).value(), 2);
    EXPECT_EQ(fixed_point_of(-1e-300, nearest).value(), 0);
    EXPECT_EQ(fixed_point_of(-1e-300, whole).value(), -1);
    EXPECT_EQ(fixed_point_of(1e-300, whole).value(), 0);
}

TEST(FixedPointOf, refuses_what_no_integer_holds) {
    const FixedPointType whole{.is_signed = true, .width = 10};
    EXPECT_THAT(fixed_point_of(1e30, whole).error(), testing::HasSubstr("too large"));
    for (const double value :
         {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THAT(fixed_point_of(value, whole).error(), testing::HasSubstr("not finite"));
    }
}

}  // namespace
}  // namespace tamis::models
