#include "models/fixed_point/fixed_point_type.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tamis::models {
namespace {

std::string error_of(std::string_view text) {
    const auto type = parse_fixed_point_type(text);
    return type ? std::string() : type.error();
}

TEST(FixedPointType, reads_every_form_with_its_defaults) {
    EXPECT_EQ(parse_fixed_point_type("ap_fixed<18,13>").value(),
              (FixedPointType{.is_signed = true, .width = 18, .fraction = 5}));
    EXPECT_EQ(parse_fixed_point_type("ap_ufixed<10, 6, AP_RND_CONV, AP_SAT, 0>").value(),
              (FixedPointType{.is_signed = false,
                              .width = 10,
                              .fraction = 4,
                              .rounding = Rounding::half_to_even,
                              .overflow = Overflow::saturate}));
    EXPECT_EQ(parse_fixed_point_type("ap_uint<10>").value(),
              (FixedPointType{.is_signed = false, .width = 10, .fraction = 0}));
    EXPECT_EQ(parse_fixed_point_type("ap_int<7>").value(),
              (FixedPointType{.is_signed = true, .width = 7, .fraction = 0}));
    EXPECT_EQ(parse_fixed_point_type("ap_ufixed<3,0>").value().fraction, 3);
    EXPECT_EQ(parse_fixed_point_type("ap_fixed<4,6>").value().fraction, -2);
}

TEST(FixedPointType, knows_every_word_of_the_modes) {
    const std::pair<const char*, Rounding> roundings[] = {
        {"AP_TRN", Rounding::floor},
        {"AP_TRN_ZERO", Rounding::toward_zero},
        {"AP_RND", Rounding::half_up},
        {"AP_RND_MIN_INF", Rounding::half_down},
        {"AP_RND_ZERO", Rounding::half_toward_zero},
        {"AP_RND_INF", Rounding::half_away_from_zero},
        {"AP_RND_CONV", Rounding::half_to_even}};
    for (const auto& [word, rounding] : roundings) {
        const auto type = parse_fixed_point_type("ap_fixed<8,4," + std::string(word) + ">");
        ASSERT_TRUE(type.has_value()) << type.error();
        EXPECT_EQ(type->rounding, rounding) << word;
    }
    const std::pair<const char*, Overflow> overflows[] = {
        {"AP_WRAP", Overflow::wrap},
        {"AP_SAT", Overflow::saturate},
        {"AP_SAT_ZERO", Overflow::saturate_to_zero},
        {"AP_SAT_SYM", Overflow::saturate_symmetric}};
    for (const auto& [word, overflow] : overflows) {
        const auto type = parse_fixed_point_type("ap_fixed<8,4,AP_TRN," + std::string(word) + ">");
        ASSERT_TRUE(type.has_value()) << type.error();
        EXPECT_EQ(type->overflow, overflow) << word;
    }
}

TEST(FixedPointType, says_itself_as_it_is_read) {
    for (const char* const text :
         {"ap_fixed<18,13>", "ap_ufixed<16,8,AP_RND_CONV,AP_SAT>",
          "ap_fixed<4,6,AP_TRN_ZERO,AP_WRAP>", "ap_fixed<62,0,AP_RND_MIN_INF,AP_SAT_SYM>",
          "ap_fixed<9,1,AP_RND_INF,AP_SAT_ZERO>"}) {
        const auto type = parse_fixed_point_type(text);
        ASSERT_TRUE(type.has_value()) << type.error();
        EXPECT_EQ(to_string(*type), text);
    }
}

TEST(FixedPointType, ranges_by_hand) {
    const FixedPointType narrow{.is_signed = true, .width = 4, .fraction = 1};
    EXPECT_EQ(lowest(narrow), -8);
    EXPECT_EQ(highest(narrow), 7);
    EXPECT_EQ(signed_bits(narrow), 4);
    FixedPointType symmetric = narrow;
    symmetric.overflow = Overflow::saturate_symmetric;
    EXPECT_EQ(lowest(symmetric), -7);
    const FixedPointType count{.is_signed = false, .width = 10, .fraction = 0};
    EXPECT_EQ(lowest(count), 0);
    EXPECT_EQ(highest(count), 1023);
    EXPECT_EQ(signed_bits(count), 11);
}

TEST(FixedPointType, refuses_what_is_none_and_says_what_would_be) {
    using testing::HasSubstr;
    EXPECT_THAT(error_of("float"), HasSubstr("no fixed-point type"));
    EXPECT_THAT(error_of("ap_fixed<8,4"), HasSubstr("no fixed-point type"));
    EXPECT_THAT(error_of("ac_fixed<8,4>"), HasSubstr("not known; right are ap_fixed"));
    EXPECT_THAT(error_of("ap_fixed<8>"), HasSubstr("1 parameters"));
    EXPECT_THAT(error_of("ap_uint<8,4>"), HasSubstr("2 parameters"));
    EXPECT_THAT(error_of("ap_fixed<65,4>"), HasSubstr("width of 65 bits; right are 1 to 62"));
    EXPECT_THAT(error_of("ap_fixed<0,0>"), HasSubstr("width of 0 bits"));
    EXPECT_THAT(error_of("ap_fixed<x,0>"), HasSubstr("width of x bits"));
    EXPECT_THAT(error_of("ap_fixed<8,99>"), HasSubstr("integer bits"));
    EXPECT_THAT(error_of("ap_fixed<8,4,AP_ROUND>"), HasSubstr("mode that is not known"));
    EXPECT_THAT(error_of("ap_fixed<8,4,AP_TRN,AP_CLIP>"), HasSubstr("mode that is not known"));
    EXPECT_THAT(error_of("ap_fixed<8,4,AP_TRN,AP_WRAP,2>"), HasSubstr("saturated wrap bits"));
}

}  // namespace
}  // namespace tamis::models
