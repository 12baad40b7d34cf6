// The number types of high-level synthesis (Vitis HLS ap_fixed, ap_ufixed, ap_int, ap_uint) as
// plain data: a value is raw / 2^fraction with an integer raw of `width` bits. Cold path to read;
// the rest may be used anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::models {

// What becomes of fractional bits that the type has no room for.
enum class Rounding : std::uint8_t {
    floor,                // AP_TRN, the default: toward minus infinity
    toward_zero,          // AP_TRN_ZERO
    half_up,              // AP_RND
    half_down,            // AP_RND_MIN_INF
    half_toward_zero,     // AP_RND_ZERO
    half_away_from_zero,  // AP_RND_INF
    half_to_even,         // AP_RND_CONV
};

// What becomes of a value, rounded already, that is out of range.
enum class Overflow : std::uint8_t {
    wrap,                // AP_WRAP, the default: the low bits stay
    saturate,            // AP_SAT
    saturate_to_zero,    // AP_SAT_ZERO: 0
    saturate_symmetric,  // AP_SAT_SYM: as AP_SAT, the lowest value is minus the highest
};

// Sums of two raw values and products of two raw values of kMostValueBits stay in 64 bits.
inline constexpr int kMostTypeBits = 62;
inline constexpr int kMostValueBits = 31;

struct FixedPointType {
    bool is_signed = true;
    int width = 1;     // 1 to kMostTypeBits; the sign is one of them
    int fraction = 0;  // fractional bits; below 0: multiples of a power of two
    Rounding rounding = Rounding::floor;
    Overflow overflow = Overflow::wrap;

    [[nodiscard]] bool operator==(const FixedPointType&) const = default;
};

// Smallest and largest raw value.
[[nodiscard]] std::int64_t lowest(const FixedPointType& type) noexcept;
[[nodiscard]] std::int64_t highest(const FixedPointType& type) noexcept;

// Bits of a signed integer that holds every raw value.
[[nodiscard]] int signed_bits(const FixedPointType& type) noexcept;

// "ap_fixed<W,I,Q,O,N>" and "ap_ufixed<...>" with Q, O, N optional, "ap_int<W>", "ap_uint<W>". The
// error says what is wrong and what would be right.
[[nodiscard]] tl::expected<FixedPointType, std::string> parse_fixed_point_type(
    std::string_view text);

// As parse_fixed_point_type reads it.
[[nodiscard]] std::string to_string(const FixedPointType& type);

}  // namespace tamis::models
