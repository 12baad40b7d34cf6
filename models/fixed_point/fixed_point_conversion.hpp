// Assignment of a fixed-point value to a variable of another type, bit for bit as Vitis HLS does
// it: first rounded to the type's fractional bits, then fitted into its width. Integers only.
// Making one is cold; using it is noexcept and allocates nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "models/fixed_point/fixed_point_type.hpp"

namespace tamis::models {

class Conversion {
 public:
    // From raw values that fit a signed integer of `from_bits` bits and have `from_fraction`
    // fractional bits. Error: the shift between the two would leave 64-bit integers.
    [[nodiscard]] static tl::expected<Conversion, std::string> between(int from_bits,
                                                                       int from_fraction,
                                                                       const FixedPointType& to);
    // A value of one type to another.
    [[nodiscard]] static tl::expected<Conversion, std::string> between(const FixedPointType& from,
                                                                       const FixedPointType& to);

    [[nodiscard]] std::int64_t operator()(std::int64_t raw) const noexcept;

    // No value of the type it is made for changes.
    [[nodiscard]] bool is_identity() const noexcept { return is_identity_; }

    // Each of `from` into `to`, which is as long and may be `from` itself; of negative values 0 is
    // converted where `ramp` is positive_part. The target type has at most kMostValueBits.
    enum class Ramp : std::uint8_t { all, positive_part };
    void convert(std::span<const std::int32_t> from, std::span<std::int32_t> to,
                 Ramp ramp) const noexcept;

 private:
    Conversion(int from_bits, int from_fraction, const FixedPointType& to) noexcept;

    // Fractional bits to drop; negative: to add.
    int drop_;
    Rounding rounding_;
    Overflow overflow_;
    bool is_identity_;
    bool fits_32_bits_;  // all of it can be computed in 32-bit integers
    std::int64_t lowest_, highest_;
    std::uint64_t mask_, sign_;  // of the target's raw value; the sign 0 for unsigned types
};

// A decimal constant of a table as a raw value of its type. Errors: not finite; too large for
// 64-bit integers before it would wrap.
[[nodiscard]] tl::expected<std::int64_t, std::string> fixed_point_of(double value,
                                                                     const FixedPointType& type);

}  // namespace tamis::models
