#include "models/quantile_map.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gsl/assert>

#include "models/working_point.hpp"

namespace tamis::models {
namespace {

constexpr std::string_view kEdges = "quantile_map_edges";
constexpr std::string_view kReference = "quantile_map_reference";
constexpr std::size_t kFewestEvents = 1000;  // of a bin
constexpr double kEventsBeyond = 10;         // of the smallest bin above the last quantile
constexpr std::size_t kLinearLevels = 50;    // up to a tail of a tenth
constexpr double kTailStep = 0.8;            // from there each level leaves so much of the last one

std::string bin_name(std::size_t bin) { return "quantile_map_bin_" + std::to_string(bin); }

// Fractions of events above each quantile, falling.
std::vector<double> levels_for(std::size_t smallest_bin) {
    std::vector<double> above;
    for (std::size_t i = 0; i < kLinearLevels; ++i) {
        above.push_back(1 - 0.9 * static_cast<double>(i) / kLinearLevels);
    }
    for (double left = 0.1; left * static_cast<double>(smallest_bin) >= kEventsBeyond;
         left *= kTailStep) {
        above.push_back(left);
    }
    return above;
}

std::vector<double> quantiles_of(std::vector<float> scores, const std::vector<double>& above) {
    std::sort(scores.begin(), scores.end());
    std::vector<double> quantiles;
    for (const double fraction : above) {
        const double place = (1 - fraction) * static_cast<double>(scores.size() - 1);
        const auto below = static_cast<std::size_t>(place);
        const double next = scores[std::min(below + 1, scores.size() - 1)];
        quantiles.push_back(scores[below] +
                            (place - static_cast<double>(below)) * (next - double{scores[below]}));
    }
    return quantiles;
}

tl::expected<std::vector<double>, std::string> rising_parameter(const Manifest& manifest,
                                                                std::string_view name,
                                                                std::size_t count) {
    auto values = read_parameter(manifest, name, count);
    if (values && !std::is_sorted(values->begin(), values->end())) {
        return tl::make_unexpected("parameter '" + std::string(name) +
                                   "' falls; right are values that rise");
    }
    return values;
}

}  // namespace

tl::expected<QuantileMap, std::string> QuantileMap::fit(std::span<const float> scores,
                                                        std::span<const float> pileup,
                                                        std::span<const double> edges) {
    Expects(scores.size() == pileup.size());
    QuantileMap map;
    map.edges_.assign(edges.begin(), edges.end());
    std::vector<std::vector<float>> parts(edges.size() + 1);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        parts[pileup_bin(edges, pileup[i])].push_back(scores[i]);
    }
    std::size_t smallest = scores.size();
    for (std::size_t bin = 0; bin < parts.size(); ++bin) {
        smallest = std::min(smallest, parts[bin].size());
        if (parts[bin].size() < kFewestEvents) {
            return tl::make_unexpected("bin " + std::to_string(bin + 1) + " of pile-up has " +
                                       std::to_string(parts[bin].size()) +
                                       " background events; right are " +
                                       std::to_string(kFewestEvents) + " or more, or fewer bins");
        }
    }
    const auto above = levels_for(smallest);
    map.reference_ = quantiles_of({scores.begin(), scores.end()}, above);
    for (std::vector<float>& part : parts) {
        map.bins_.push_back(quantiles_of(std::move(part), above));
    }
    return map;
}

tl::expected<QuantileMap, std::string> QuantileMap::read(const Manifest& manifest) {
    const Parameter* const edges = find_parameter(manifest, kEdges);
    const Parameter* const reference = find_parameter(manifest, kReference);
    if (edges == nullptr || reference == nullptr || reference->values.size() < 2) {
        return tl::make_unexpected(
            "a quantile map has no parameter '" +
            std::string(edges == nullptr ? kEdges : kReference) +
            "' of two values or more; right is what tamis calibrate --quantile-map writes");
    }
    QuantileMap map;
    auto of_edges = rising_parameter(manifest, kEdges, edges->values.size());
    auto of_reference = rising_parameter(manifest, kReference, reference->values.size());
    if (!of_edges || !of_reference) {
        return tl::make_unexpected(of_edges ? of_reference.error() : of_edges.error());
    }
    map.edges_ = *std::move(of_edges);
    map.reference_ = *std::move(of_reference);
    for (std::size_t bin = 0; bin <= map.edges_.size(); ++bin) {
        auto quantiles = rising_parameter(manifest, bin_name(bin), map.reference_.size());
        if (!quantiles) {
            return tl::make_unexpected(quantiles.error());
        }
        map.bins_.push_back(*std::move(quantiles));
    }
    return map;
}

void QuantileMap::write_into(Manifest& manifest) const {
    std::erase_if(manifest.parameters, [](const Parameter& parameter) {
        return parameter.name.starts_with("quantile_map_");
    });
    manifest.parameters.push_back({std::string(kEdges), edges_});
    manifest.parameters.push_back({std::string(kReference), reference_});
    for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
        manifest.parameters.push_back({bin_name(bin), bins_[bin]});
    }
}

float QuantileMap::operator()(float score, float pileup) const noexcept {
    if (std::isnan(pileup) || std::isnan(score)) {
        return score;
    }
    const std::vector<double>& from = bins_[pileup_bin(edges_, pileup)];
    const auto next = std::upper_bound(from.begin(), from.end(), double{score});
    if (next == from.begin()) {
        return static_cast<float>(reference_.front() + (score - from.front()));
    }
    if (next == from.end()) {
        return static_cast<float>(reference_.back() + (score - from.back()));
    }
    const auto at = static_cast<std::size_t>(next - from.begin());
    const double share = (score - from[at - 1]) / (from[at] - from[at - 1]);
    return static_cast<float>(reference_[at - 1] + share * (reference_[at] - reference_[at - 1]));
}

bool has_quantile_map(const Manifest& manifest) noexcept {
    return find_parameter(manifest, kEdges) != nullptr;
}

}  // namespace tamis::models
