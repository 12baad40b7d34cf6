#include "models/fixed_point/fixed_point_conversion.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <gsl/assert>

namespace tamis::models {
namespace {

constexpr int kWordBits = 62;        // what a 64-bit intermediate may need
constexpr int kMantissaBits = 53;    // of a double
constexpr int kNarrowWordBits = 31;  // likewise in 32-bit integers

// raw / 2^drop as a whole number; drop >= 1 unless the rounding is floor. Without branches, so that
// loops over it become vector code.
template <Rounding R, typename Integer>
Integer round_off(Integer raw, int drop) noexcept {
    const Integer quotient = raw >> drop;
    if constexpr (R == Rounding::floor) {
        return quotient;
    } else {
        const Integer one = 1;
        const Integer rest = raw & ((one << drop) - 1);
        const Integer half = one << (drop - 1);
        const Integer is_negative = raw < 0 ? 1 : 0;
        const Integer is_above = rest > half ? 1 : 0;
        const Integer is_half = rest == half ? 1 : 0;
        if constexpr (R == Rounding::toward_zero) {
            return quotient + (is_negative & (rest != 0 ? 1 : 0));
        } else if constexpr (R == Rounding::half_up) {
            return quotient + (is_above | is_half);
        } else if constexpr (R == Rounding::half_down) {
            return quotient + is_above;
        } else if constexpr (R == Rounding::half_toward_zero) {
            return quotient + (is_above | (is_half & is_negative));
        } else if constexpr (R == Rounding::half_away_from_zero) {
            return quotient + (is_above | (is_half & (1 - is_negative)));
        } else {
            return quotient + (is_above | (is_half & quotient & 1));
        }
    }
}

template <typename Integer>
struct Target {
    Integer lowest, highest;
    std::make_unsigned_t<Integer> mask, sign;
};

template <Overflow O, typename Integer>
Integer fit(Integer value, const Target<Integer>& target) noexcept {
    if constexpr (O == Overflow::wrap) {
        const auto low = static_cast<std::make_unsigned_t<Integer>>(value) & target.mask;
        return static_cast<Integer>((low ^ target.sign) - target.sign);
    } else if constexpr (O == Overflow::saturate_to_zero) {
        return value < target.lowest || value > target.highest ? 0 : value;
    } else {
        return std::min(std::max(value, target.lowest), target.highest);
    }
}

// Calls `use` with the modes as template arguments.
template <Overflow O, typename Use>
auto with_rounding(Rounding rounding, const Use& use) noexcept {
    switch (rounding) {
        case Rounding::floor:
            return use.template operator()<Rounding::floor, O>();
        case Rounding::toward_zero:
            return use.template operator()<Rounding::toward_zero, O>();
        case Rounding::half_up:
            return use.template operator()<Rounding::half_up, O>();
        case Rounding::half_down:
            return use.template operator()<Rounding::half_down, O>();
        case Rounding::half_toward_zero:
            return use.template operator()<Rounding::half_toward_zero, O>();
        case Rounding::half_away_from_zero:
            return use.template operator()<Rounding::half_away_from_zero, O>();
        case Rounding::half_to_even:
            break;
    }
    return use.template operator()<Rounding::half_to_even, O>();
}

template <typename Use>
auto with_modes(Rounding rounding, Overflow overflow, const Use& use) noexcept {
    switch (overflow) {
        case Overflow::wrap:
            return with_rounding<Overflow::wrap>(rounding, use);
        case Overflow::saturate_to_zero:
            return with_rounding<Overflow::saturate_to_zero>(rounding, use);
        case Overflow::saturate:
        case Overflow::saturate_symmetric:  // the range says which
            break;
    }
    return with_rounding<Overflow::saturate>(rounding, use);
}

}  // namespace

Conversion::Conversion(int from_bits, int from_fraction, const FixedPointType& to) noexcept
    : drop_(from_fraction - to.fraction),
      rounding_(drop_ > 0 ? to.rounding : Rounding::floor),
      overflow_(to.overflow),
      is_identity_(false),
      fits_32_bits_(drop_ < kNarrowWordBits && from_bits - std::min(drop_, 0) <= kNarrowWordBits &&
                    to.width <= kMostValueBits),
      lowest_(models::lowest(to)),
      highest_(models::highest(to)),
      mask_((std::uint64_t{1} << to.width) - 1),
      sign_(to.is_signed ? std::uint64_t{1} << (to.width - 1) : 0) {}

tl::expected<Conversion, std::string> Conversion::between(int from_bits, int from_fraction,
                                                          const FixedPointType& to) {
    const int drop = from_fraction - to.fraction;
    if (drop > kWordBits || from_bits - std::min(drop, 0) > kWordBits) {
        return tl::make_unexpected(std::to_string(from_bits) + " bits, " +
                                   std::to_string(from_fraction) + " of them fractional, become " +
                                   to_string(to) +
                                   " (that needs more than 62 bits in between); right are types "
                                   "that are nearer to each other");
    }
    return Conversion(from_bits, from_fraction, to);
}

tl::expected<Conversion, std::string> Conversion::between(const FixedPointType& from,
                                                          const FixedPointType& to) {
    auto conversion = between(signed_bits(from), from.fraction, to);
    if (conversion) {
        conversion->is_identity_ = from.fraction == to.fraction &&
                                   models::lowest(from) >= models::lowest(to) &&
                                   models::highest(from) <= models::highest(to);
    }
    return conversion;
}

std::int64_t Conversion::operator()(std::int64_t raw) const noexcept {
    const Target<std::int64_t> target{lowest_, highest_, mask_, sign_};
    const std::int64_t aligned = raw << std::max(-drop_, 0);
    const int drop = std::max(drop_, 0);
    return with_modes(rounding_, overflow_, [&]<Rounding R, Overflow O>() noexcept {
        return fit<O>(round_off<R>(aligned, drop), target);
    });
}

void Conversion::convert(std::span<const std::int32_t> from, std::span<std::int32_t> to,
                         Ramp ramp) const noexcept {
    Expects(from.size() == to.size());
    const std::int32_t floor_of_input = ramp == Ramp::positive_part ? 0 : INT32_MIN;
    if (!fits_32_bits_) {
        for (std::size_t i = 0; i < from.size(); ++i) {
            to[i] = static_cast<std::int32_t>((*this)(std::max(from[i], floor_of_input)));
        }
        return;
    }
    const Target<std::int32_t> target{
        static_cast<std::int32_t>(lowest_), static_cast<std::int32_t>(highest_),
        static_cast<std::uint32_t>(mask_), static_cast<std::uint32_t>(sign_)};
    const std::int32_t* source = from.data();
    std::int32_t* result = to.data();
    const std::size_t count = from.size();
    const int raise = std::max(-drop_, 0), drop = std::max(drop_, 0);
    with_modes(rounding_, overflow_, [&]<Rounding R, Overflow O>() noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            const std::int32_t aligned = std::max(source[i], floor_of_input) << raise;
            result[i] = fit<O>(round_off<R>(aligned, drop), target);
        }
    });
}

tl::expected<std::int64_t, std::string> fixed_point_of(double value, const FixedPointType& type) {
    if (!std::isfinite(value)) {
        return tl::make_unexpected(std::string("a constant is not finite; right is a number"));
    }
    if (value == 0) {
        return 0;
    }
    // value = mantissa / 2^fraction with an odd mantissa.
    int exponent = 0;
    auto mantissa =
        static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), kMantissaBits));
    const int zeros = std::countr_zero(static_cast<std::uint64_t>(mantissa));
    mantissa >>= zeros;
    // What lies so far below the last bit that 62 bits do not reach it rounds as if it were there.
    const int fraction = std::min(kMantissaBits - exponent - zeros, type.fraction + kWordBits);
    const auto conversion = Conversion::between(kMantissaBits + 1 - zeros, fraction, type);
    if (!conversion) {
        return tl::make_unexpected(std::to_string(value) + " is too large for " + to_string(type) +
                                   "; right is a number of that type");
    }
    return (*conversion)(mantissa);
}

}  // namespace tamis::models
