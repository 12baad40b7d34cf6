// What a manifest of kind "ringer" says, checked once. Parameters of the manifest, all optional:
//   normalisation    0 none, 1 absolute sum (default), 2 signed sum, 3 sequential (ring_sums.hpp)
//   half_rings       1: the networks see the 50 inner rings
//   ensembles        number of sets of networks (default 1, shared by all working points). With as
//                    many as working points, the networks' list is cut into equal parts and the
//                    i-th working point decides on the i-th part: so ATLAS published its tunings
//   final_activation what the networks end with: 0 nothing (the discriminant is unbounded; as ATLAS
//                    deploys since 2017), 1 tanh, 2 sigmoid. Thresholds must lie in its range
//   inclusive        1: a cluster passes at discriminant >= threshold (the 2016 ensembles); 0, the
//                    default: discriminant > threshold
//   primary_point    position of the working point whose networks give the event's score and whose
//                    clusters are listed as kept (default 0)
// Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/manifest.hpp"
#include "models/ringer/ring_sums.hpp"

namespace tamis::models {

enum class FinalActivation : std::uint8_t { none, tanh, sigmoid };

struct RingerSettings {
    RingNormalisation normalisation = RingNormalisation::absolute_sum;
    bool half_rings = false;
    std::size_t ensembles = 1;
    FinalActivation final_activation = FinalActivation::none;
    bool inclusive = false;
    std::size_t primary_point = 0;

    [[nodiscard]] std::size_t input_count() const noexcept {
        return half_rings ? kHalfRingCount : kRingCount;
    }
    // The set of networks on which a working point decides.
    [[nodiscard]] std::size_t ensemble_of(std::size_t working_point) const noexcept {
        return ensembles == 1 ? 0 : working_point;
    }
};

// Error: the first thing in the manifest that is no ringer's, with what would be right.
[[nodiscard]] tl::expected<RingerSettings, std::string> read_ringer_settings(
    const Manifest& manifest);

// What a network sees of a cluster's rings (GeV, not normalised): the half rings where asked for,
// then normalised. The answer lies in `buffer`.
[[nodiscard]] std::span<const float> make_network_inputs(
    const RingerSettings& settings, std::span<const float, kRingCount> rings,
    std::span<float, kRingCount> buffer) noexcept;

// The parameters that say the same.
[[nodiscard]] std::vector<Parameter> ringer_parameters(const RingerSettings& settings);

}  // namespace tamis::models
