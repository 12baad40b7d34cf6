// The 100 ring sums of a calorimeter cluster and their normalisations, as the ATLAS RingerReFex and
// TrigRingerNeuralFex algorithms define them. Pure functions: no state, no allocation, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tamis::models {

inline constexpr std::size_t kRingCount = 100;
inline constexpr std::size_t kHalfRingCount = 50;
inline constexpr std::size_t kRingSetCount = 7;

// One set of concentric rings; the wire's cell_layer is its index in kRingSets.
struct RingSet {
    std::string_view name;
    std::size_t first = 0;  // index of its innermost ring
    std::size_t count = 0;
    double eta_width = 0;  // of one ring
    double phi_width = 0;  // radian
};

inline constexpr std::array<RingSet, kRingSetCount> kRingSets = {{
    {"PS", 0, 8, 0.025, 0.0981748},
    {"EM1", 8, 64, 0.003125, 0.0981748},
    {"EM2", 72, 8, 0.025, 0.0245437},
    {"EM3", 80, 8, 0.05, 0.0245437},
    {"HAD1", 88, 4, 0.1, 0.0981748},
    {"HAD2", 92, 4, 0.1, 0.0981748},
    {"HAD3", 96, 4, 0.1, 0.0981748},
}};

// Arrays of equal length: cells of the whole event, any order.
struct CellArrays {
    std::span<const float> eta, phi;
    std::span<const float> energy;  // GeV
    std::span<const std::uint8_t> layer;
};

// Radian, in [-pi, pi].
[[nodiscard]] double phi_distance(double a, double b) noexcept;

struct RingWindow {
    // Cells further from the cluster than this in eta or phi are not looked at. ATLAS reads the
    // trigger towers that overlap 0.2; the default reaches past the outermost ring of every set, so
    // that the number of rings is the only limit.
    double half_width = 0.45;
    // Full width of the window, centred on the cluster, in which a set's hottest cell is sought
    // (EtaSearchWindowSize, PhiSearchWindowSize); its edge is outside.
    double search_width = 0.1;
};

// Sums the cells around (eta, phi) into `rings`, transverse energies in GeV, possibly negative.
// Every set is centred on its own hottest cell in the search window, on the cluster where there is
// none; a cell belongs to the ring round(max(|d eta| / eta_width, |d phi| / phi_width)), where a
// half rounds down; energies are divided by cosh(eta of the centre). Cells of other layers are
// passed over.
void sum_rings(const CellArrays& cells, float eta, float phi, const RingWindow& window,
               std::span<float, kRingCount> rings) noexcept;

enum class RingNormalisation : std::uint8_t {
    none,
    absolute_sum,  // by |sum of all rings|, by 1 where it is 0: ATLAS since 2016
    signed_sum,    // by the sum where it is > 0, otherwise unchanged: the Run-3 emulator
    sequential,    // set by set, each ring by what its inner neighbours left: the network of 2009
};

[[nodiscard]] std::string_view to_string(RingNormalisation normalisation) noexcept;
[[nodiscard]] std::optional<RingNormalisation> find_ring_normalisation(
    std::string_view name) noexcept;

// The first half of every set ("boosted mitigation" of Run 3), in network order.
[[nodiscard]] const std::array<std::uint8_t, kHalfRingCount>& half_ring_indices() noexcept;

// Normalises in place. absolute_sum and signed_sum take any number of rings (100, or the 50 that
// were selected); sequential needs all 100, in GeV (its stop energy is 0.1 GeV).
void normalise_rings(RingNormalisation normalisation, std::span<float> rings) noexcept;

}  // namespace tamis::models
