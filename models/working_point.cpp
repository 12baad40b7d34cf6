#include "models/working_point.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

namespace tamis::models {

tl::expected<void, std::string> check_flat_thresholds(const Manifest& manifest) {
    for (const WorkingPoint& point : manifest.working_points) {
        if (point.bins.size() != 1 || point.bins.front().slope != 0 ||
            point.bins.front().pileup_low > 0) {
            return tl::make_unexpected(
                "working point '" + point.name + "' has " + std::to_string(point.bins.size()) +
                " bins or a slope (a model of kind '" + manifest.kind +
                "' has one score an event); right is one bin with an offset");
        }
    }
    return {};
}

Cut flat_cut(const WorkingPoint& point, float score, ScoreStatus status) noexcept {
    Expects(point.bins.size() == 1);
    const auto threshold = static_cast<float>(point.bins.front().offset);
    return {.passed = status == ScoreStatus::scored && score > threshold,
            .score = score,
            .threshold = threshold};
}

tl::expected<void, std::string> check_pileup_thresholds(const Manifest& manifest) {
    for (const WorkingPoint& point : manifest.working_points) {
        double end = 0;
        for (const ThresholdBin& bin : point.bins) {
            if (bin.slope != 0 || bin.pileup_low != end) {
                return tl::make_unexpected(
                    "working point '" + point.name +
                    "' has a slope, or bins of pile-up that do not follow each other from 0 on (a "
                    "model of kind '" +
                    manifest.kind + "' has one score an event); right are offsets alone");
            }
            end = bin.pileup_high;
        }
    }
    return {};
}

bool has_pileup_thresholds(const Manifest& manifest) noexcept {
    return std::any_of(manifest.working_points.begin(), manifest.working_points.end(),
                       [](const WorkingPoint& point) { return point.bins.size() > 1; });
}

float pileup_of(EventInputs& event) noexcept {
    const auto clusters = event.payloads().calorimeter_clusters();
    return clusters ? (*clusters)->average_mu : std::numeric_limits<float>::quiet_NaN();
}

std::size_t pileup_bin(std::span<const double> edges, float pileup) noexcept {
    return static_cast<std::size_t>(std::ranges::lower_bound(edges, double{pileup}) -
                                    edges.begin());
}

std::optional<double> threshold_at(const WorkingPoint& point, float pileup) noexcept {
    if (point.bins.size() == 1) {
        return point.bins.front().offset;
    }
    if (std::isnan(pileup)) {
        return std::nullopt;
    }
    const auto found = std::find_if(
        point.bins.begin(), point.bins.end(),
        [pileup](const ThresholdBin& bin) { return double{pileup} <= bin.pileup_high; });
    return found == point.bins.end() ? point.bins.back().offset : found->offset;
}

Cut pileup_cut(const WorkingPoint& point, float score, float pileup, ScoreStatus status) noexcept {
    const std::optional<double> threshold = threshold_at(point, pileup);
    if (!threshold) {
        return {
            .passed = false, .score = score, .threshold = std::numeric_limits<float>::infinity()};
    }
    const auto single = static_cast<float>(*threshold);
    return {.passed = status == ScoreStatus::scored && score > single,
            .score = score,
            .threshold = single};
}

}  // namespace tamis::models
