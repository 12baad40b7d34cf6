// Which (ET, |eta|) bin a cluster belongs to, by the rule of the ATLAS selector tool: low < ET <=
// high and low < |eta| <= high, |eta| capped at 2.5. That rule leaves |eta| = 0 in no bin; here it
// belongs to the first one. Pure functions, any thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <ranges>

namespace tamis::models {

inline constexpr double kMaxClusterEta = 2.5;

// Position in `bins` (NetworkFile or ThresholdBin) of the first that holds the cluster, if any.
// et_gev and eta may be NaN: no bin holds it.
template <std::ranges::random_access_range Bins>
[[nodiscard]] std::optional<std::size_t> find_bin(const Bins& bins, double et_gev,
                                                  double eta) noexcept {
    const double absolute = std::min(std::abs(eta), kMaxClusterEta);
    std::size_t index = 0;
    for (const auto& bin : bins) {
        const bool in_et = bin.et_low_gev < et_gev && et_gev <= bin.et_high_gev;
        const bool above = bin.eta_low < absolute || (absolute == 0 && bin.eta_low == 0);
        if (in_et && above && absolute <= bin.eta_high) {
            return index;
        }
        ++index;
    }
    return std::nullopt;
}

}  // namespace tamis::models
