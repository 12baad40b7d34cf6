#include "models/fixed_point/fixed_point_type.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace tamis::models {
namespace {

constexpr int kMostIntegerBits = 64;

constexpr auto kRoundings = std::to_array<std::pair<std::string_view, Rounding>>({
    {"AP_TRN", Rounding::floor},
    {"AP_TRN_ZERO", Rounding::toward_zero},
    {"AP_RND", Rounding::half_up},
    {"AP_RND_MIN_INF", Rounding::half_down},
    {"AP_RND_ZERO", Rounding::half_toward_zero},
    {"AP_RND_INF", Rounding::half_away_from_zero},
    {"AP_RND_CONV", Rounding::half_to_even},
});
constexpr auto kOverflows = std::to_array<std::pair<std::string_view, Overflow>>({
    {"AP_WRAP", Overflow::wrap},
    {"AP_SAT", Overflow::saturate},
    {"AP_SAT_ZERO", Overflow::saturate_to_zero},
    {"AP_SAT_SYM", Overflow::saturate_symmetric},
});

tl::unexpected<std::string> refuse_type(std::string_view text, const std::string& what) {
    return tl::make_unexpected("type '" + std::string(text) + "' " + what);
}

template <typename Words, typename Value>
std::string_view word_of(const Words& words, Value value) {
    const auto* const found = std::find_if(
        words.begin(), words.end(), [value](const auto& word) { return word.second == value; });
    return found == words.end() ? std::string_view() : found->first;
}

template <typename Value, typename Words>
std::optional<Value> value_of(const Words& words, std::string_view name) {
    const auto* const found = std::find_if(words.begin(), words.end(),
                                           [name](const auto& word) { return word.first == name; });
    return found == words.end() ? std::nullopt : std::optional<Value>(found->second);
}

std::optional<int> integer_of(std::string_view text) {
    int value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t comma = text.find(',');
        std::string_view part = text.substr(0, comma);
        while (part.starts_with(' ')) {
            part.remove_prefix(1);
        }
        while (part.ends_with(' ')) {
            part.remove_suffix(1);
        }
        parts.push_back(part);
        if (comma == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(comma + 1);
    }
}

}  // namespace

std::int64_t highest(const FixedPointType& type) noexcept {
    return (std::int64_t{1} << (type.is_signed ? type.width - 1 : type.width)) - 1;
}

std::int64_t lowest(const FixedPointType& type) noexcept {
    if (!type.is_signed) {
        return 0;
    }
    return -highest(type) - (type.overflow == Overflow::saturate_symmetric ? 0 : 1);
}

int signed_bits(const FixedPointType& type) noexcept {
    return type.is_signed ? type.width : type.width + 1;
}

tl::expected<FixedPointType, std::string> parse_fixed_point_type(std::string_view text) {
    const std::size_t open = text.find('<');
    if (open == std::string_view::npos || !text.ends_with('>')) {
        return refuse_type(text, "is no fixed-point type; right is one like ap_fixed<18,13>");
    }
    const std::string_view name = text.substr(0, open);
    const bool is_fraction = name == "ap_fixed" || name == "ap_ufixed";
    if (!is_fraction && name != "ap_int" && name != "ap_uint") {
        return refuse_type(text, "is not known; right are ap_fixed, ap_ufixed, ap_int, ap_uint");
    }
    const auto parts = split(text.substr(open + 1, text.size() - open - 2));
    if (is_fraction ? parts.size() < 2 || parts.size() > 5 : parts.size() != 1) {
        return refuse_type(text, "has " + std::to_string(parts.size()) + " parameters; right are " +
                                     (is_fraction ? "<W,I> to <W,I,Q,O,N>" : "<W>"));
    }
    const auto width = integer_of(parts[0]);
    if (!width || *width < 1 || *width > kMostTypeBits) {
        return refuse_type(text, "has a width of " + std::string(parts[0]) +
                                     " bits; right are 1 to " + std::to_string(kMostTypeBits));
    }
    FixedPointType type;
    type.is_signed = name == "ap_fixed" || name == "ap_int";
    type.width = *width;
    const auto integer_bits = is_fraction ? integer_of(parts[1]) : width;
    if (!integer_bits || *integer_bits < -kMostIntegerBits || *integer_bits > kMostIntegerBits) {
        return refuse_type(text, "has no usable number of integer bits; right are -64 to 64");
    }
    type.fraction = type.width - *integer_bits;
    const auto rounding = value_of<Rounding>(kRoundings, parts.size() > 2 ? parts[2] : "AP_TRN");
    const auto overflow = value_of<Overflow>(kOverflows, parts.size() > 3 ? parts[3] : "AP_WRAP");
    if (!rounding || !overflow) {
        return refuse_type(text,
                           "names a mode that is not known; right are AP_TRN, AP_RND and their "
                           "variants, then AP_WRAP, AP_SAT, AP_SAT_ZERO or AP_SAT_SYM");
    }
    type.rounding = *rounding;
    type.overflow = *overflow;
    if (parts.size() == 5 && integer_of(parts[4]) != 0) {
        return refuse_type(text,
                           "has saturated wrap bits, which are not emulated; right is 0 of them");
    }
    return type;
}

std::string to_string(const FixedPointType& type) {
    std::string text = type.is_signed ? "ap_fixed<" : "ap_ufixed<";
    text += std::to_string(type.width) + "," + std::to_string(type.width - type.fraction);
    if (type.rounding != Rounding::floor || type.overflow != Overflow::wrap) {
        text.append(",").append(word_of(kRoundings, type.rounding));
        text.append(",").append(word_of(kOverflows, type.overflow));
    }
    return text + ">";
}

}  // namespace tamis::models
