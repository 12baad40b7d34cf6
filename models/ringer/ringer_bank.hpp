// The networks of a ringer, one per ET and |eta| bin and ensemble, run on clusters as they come.
// Immutable and shared; any thread may score with it and nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/dense_bank.hpp"
#include "engine/graph.hpp"
#include "models/manifest.hpp"
#include "models/ringer/ring_sums.hpp"
#include "models/ringer/ringer_settings.hpp"

namespace tamis::models {

// The discriminant of a cluster that lies in no bin, as in ATLAS; it passes nowhere.
inline constexpr float kNoBinDiscriminant = -999.0F;

struct RingerBank {
    RingerSettings settings;
    std::vector<NetworkFile> bins;                      // of all ensembles, one after the other
    std::shared_ptr<const engine::DenseBank> networks;  // one per bin

    [[nodiscard]] std::size_t bins_per_ensemble() const noexcept {
        return bins.size() / settings.ensembles;
    }
    // Position in `bins`.
    [[nodiscard]] std::optional<std::size_t> find_network(std::size_t ensemble, double et_gev,
                                                          double eta) const noexcept;

    enum class Scored : std::uint8_t { scored, no_bin, not_finite };

    // One cluster by every ensemble. `answers` has one place per ensemble: kNoBinDiscriminant where
    // the ensemble has no bin or the cluster is not finite, NaN where the network's answer is not.
    // `rings` are not normalised.
    Scored score(double et_gev, double eta, std::span<const float, kRingCount> rings,
                 std::span<float> answers) const noexcept;
};

// Compiles one graph per entry of manifest.networks, in that order. Each takes one row of 100 (50
// with half_rings) rings and gives one number. The error names the file.
[[nodiscard]] tl::expected<RingerBank, std::string> make_ringer_bank(
    const Manifest& manifest, std::span<const engine::Graph> graphs);

}  // namespace tamis::models
