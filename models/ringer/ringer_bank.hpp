// The networks of a ringer, one per ET and |eta| bin and ensemble, run on clusters as they come:
// rows are collected per network and scored together. A RingerBank is immutable and shared; a
// RingerRunner belongs to one thread and allocates nothing after its construction.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/network.hpp"
#include "models/manifest.hpp"
#include "models/ringer/ring_sums.hpp"
#include "models/ringer/ringer_settings.hpp"

namespace tamis::models {

// The discriminant of a cluster that lies in no bin, as in ATLAS; it passes nowhere.
inline constexpr float kNoBinDiscriminant = -999.0F;

struct RingerBank {
    RingerSettings settings;
    std::vector<NetworkFile> bins;  // of all ensembles, one after the other
    std::vector<std::shared_ptr<const engine::Network>> networks;  // one per bin

    [[nodiscard]] std::size_t bins_per_ensemble() const noexcept {
        return bins.size() / settings.ensembles;
    }
    // Position in `networks`.
    [[nodiscard]] std::optional<std::size_t> find_network(std::size_t ensemble, double et_gev,
                                                          double eta) const noexcept;
};

// Compiles one graph per entry of manifest.networks, in that order. Each takes one row of 100 (50
// with half_rings) rings and gives one number. The error names the file.
[[nodiscard]] tl::expected<RingerBank, std::string> make_ringer_bank(
    const Manifest& manifest, std::span<const engine::Graph> graphs);

class RingerRunner {
 public:
    // `bank` outlives the runner.
    explicit RingerRunner(const RingerBank& bank);

    enum class Added : std::uint8_t { queued, no_bin, not_finite };

    // Queues one cluster for every ensemble. `answers` has one place per ensemble; each is
    // kNoBinDiscriminant where the ensemble has no bin and is written by flush() at the latest
    // otherwise (NaN where the network's answer is not finite). `rings` are not normalised.
    Added add(double et_gev, double eta, std::span<const float, kRingCount> rings,
              std::span<float> answers) noexcept;
    void flush() noexcept;

 private:
    static constexpr std::size_t kRows = 16;
    friend tl::expected<RingerBank, std::string> make_ringer_bank(const Manifest&,
                                                                  std::span<const engine::Graph>);
    struct Queue {
        engine::NetworkRunner runner;
        std::array<float*, kRows> answers{};
        std::size_t count = 0;
    };
    static void run(Queue& queue) noexcept;

    const RingerBank& bank_;
    std::vector<Queue> queues_;  // by network
};

}  // namespace tamis::models
