// What a seed-filter network sees of a doublet: two 16x16 windows of pixel charges, laid out as the
// network wants them, and 67 expert features. Pure functions: no state, no allocation, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streams/payloads.hpp"

namespace tamis::models {

inline constexpr std::size_t kWindowSide = 16;
inline constexpr std::size_t kWindowPixels = kWindowSide * kWindowSide;
inline constexpr std::size_t kDoubletFeatures = 67;
inline constexpr double kChargeMean = 13382.0011321;
inline constexpr double kChargeScale = 10525.1252954;

// Channels of the layer map: four of the theta correction, one per layer and hit. Their order is
// that of the training code of CNNFiltering (get_layer_map_data): inner and outer window times
// cos(theta), inner and outer times sin(theta), inner by layer, outer by layer.
inline constexpr std::array<std::uint8_t, 10> kMapLayers = {0, 1, 2, 3, 14, 15, 16, 29, 30, 31};
inline constexpr std::size_t kLayerMapChannels = 4 + 2 * kMapLayers.size();

// Features: 30 of the inner hit, 30 of the outer hit, 7 of the pair. Positions in a hit's block:
inline constexpr std::size_t kHitFeatures = 30;
inline constexpr std::size_t kHitX = 0, kHitY = 1, kHitZ = 2, kHitPhi = 3, kHitR = 4,
                             kHitIsBarrel = 6;
// Of the pair, positions among all 67; differences are inner less outer.
inline constexpr std::size_t kPairDeltaR = 63, kPairDeltaPhi = 64, kPairDeltaZ = 65;

// Names in wire order: in_x ... in_sum_adc, out_x ... out_sum_adc, delta_a ... z_zero.
[[nodiscard]] const std::vector<std::string>& doublet_feature_names();

// Columns of a doublet in a table: both windows' charges row by row, the layers, the features.
[[nodiscard]] std::vector<std::string> doublet_columns();
inline constexpr std::size_t kDoubletColumns = 2 * kWindowPixels + 2 + kDoubletFeatures;

enum class DoubletLayout : std::uint8_t {
    two_channel,  // [2][16][16]: inner, outer (NCHW)
    layer_map,    // [16][16][24] (NHWC, as the published model takes it)
};

[[nodiscard]] std::string_view to_string(DoubletLayout layout) noexcept;
[[nodiscard]] std::optional<DoubletLayout> find_doublet_layout(std::string_view name) noexcept;
// Numbers of one doublet's windows in that layout.
[[nodiscard]] std::size_t window_values(DoubletLayout layout) noexcept;

// One doublet: charges as little-endian uint16 of 512 bytes a window, row (y) by row.
struct DoubletView {
    std::span<const std::uint8_t, 2 * kWindowPixels> inner_adc, outer_adc;
    std::uint8_t inner_layer = 0, outer_layer = 0;
    std::span<const float, kDoubletFeatures> features;
};

// `index` < doublets.count.
[[nodiscard]] DoubletView doublet_at(const streams::PixelDoublets& doublets,
                                     std::size_t index) noexcept;

// Charges become (ADC - kChargeMean) / kChargeScale, pixels that did not fire included. `out` has
// window_values(layout) numbers. In the layer map a channel without the hit is 0; a hit of a layer
// that the map does not know is in the theta channels only; theta = atan2(y, z) of the hit.
void write_windows(const DoubletView& doublet, DoubletLayout layout, std::span<float> out) noexcept;

}  // namespace tamis::models
