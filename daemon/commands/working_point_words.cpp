#include "daemon/commands/working_point_words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace tamis::daemon {

namespace {

using models::PointTarget;

std::optional<PointTarget> find_target(std::string_view name) {
    if (name == "fraction") {
        return PointTarget::background_fraction;
    }
    if (name == "efficiency") {
        return PointTarget::signal_efficiency;
    }
    return name == "rate" ? std::optional(PointTarget::rate) : std::nullopt;
}

std::string end_of(const std::optional<double>& value) {
    return value ? fmt::format("{:.5g}", *value) : "none";
}

}  // namespace

tl::expected<models::WantedPoint, std::string> parse_wanted_point(std::string_view text,
                                                                  double input_rate_hz) {
    const auto refuse = [text](std::string_view why) {
        return tl::unexpected(
            fmt::format("--point {}: {}; right are NAME=fraction:1e-5, NAME=efficiency:0.9 or "
                        "NAME=rate:100 with --input-rate",
                        text, why));
    };
    const auto equals = text.find('=');
    const auto colon = text.find(':', equals == std::string_view::npos ? 0 : equals);
    if (equals == std::string_view::npos || equals == 0 || colon == std::string_view::npos) {
        return refuse("no NAME=WHAT:NUMBER");
    }
    const auto target = find_target(text.substr(equals + 1, colon - equals - 1));
    if (!target) {
        return refuse("unknown kind of target");
    }
    models::WantedPoint wanted{.name = std::string(text.substr(0, equals)),
                               .value = 0,
                               .target = *target,
                               .input_rate_hz = *target == PointTarget::rate ? input_rate_hz : 0};
    const std::string_view number = text.substr(colon + 1);
    const auto [end, status] =
        std::from_chars(number.data(), number.data() + number.size(), wanted.value);
    if (status != std::errc{} || end != number.data() + number.size()) {
        return refuse("what follows the colon is no number");
    }
    if (!models::is_possible(wanted)) {
        return refuse(*target == PointTarget::rate
                          ? "a rate lies above 0 and below the input rate"
                          : "a fraction or efficiency lies above 0 and below 1");
    }
    return wanted;
}

std::string describe_target(const models::WorkingPoint& point) {
    switch (point.target) {
        case PointTarget::background_fraction:
            return fmt::format("fraction {:.4g}", point.wanted);
        case PointTarget::signal_efficiency:
            return fmt::format("efficiency {:.4g}", point.wanted);
        case PointTarget::rate:
            return fmt::format("{:.4g} of {:.4g} Hz", point.wanted, point.input_rate_hz);
        case PointTarget::unstated:
            break;
    }
    return "-";
}

std::string describe_thresholds(const models::WorkingPoint& point) {
    const bool is_extrapolated =
        std::any_of(point.bins.begin(), point.bins.end(),
                    [](const models::ThresholdBin& bin) { return bin.extrapolated.has_value(); });
    const std::string mark = is_extrapolated ? ", extrapolated" : "";
    if (point.bins.size() != 1 || point.bins[0].slope != 0) {
        return fmt::format("{} bins{}", point.bins.size(), mark);
    }
    const models::ThresholdBin& bin = point.bins[0];
    if (!bin.offset_low && !bin.offset_high) {
        return fmt::format("{:.6g}{}", bin.offset, mark);
    }
    return fmt::format("{:.6g} ({} .. {}){}", bin.offset, end_of(bin.offset_low),
                       end_of(bin.offset_high), mark);
}

}  // namespace tamis::daemon
