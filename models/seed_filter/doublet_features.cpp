#include "models/seed_filter/doublet_features.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

namespace tamis::models {

namespace {

constexpr std::array<std::string_view, kHitFeatures> kHitNames = {"x",
                                                                  "y",
                                                                  "z",
                                                                  "phi",
                                                                  "r",
                                                                  "det_seq",
                                                                  "is_barrel",
                                                                  "layer",
                                                                  "ladder",
                                                                  "side",
                                                                  "disk",
                                                                  "panel",
                                                                  "module",
                                                                  "is_flipped",
                                                                  "ax1",
                                                                  "ax2",
                                                                  "clust_x",
                                                                  "clust_y",
                                                                  "clust_size",
                                                                  "clust_size_x",
                                                                  "clust_size_y",
                                                                  "pixel_zero",
                                                                  "avg_charge",
                                                                  "overflow_x",
                                                                  "overflow_y",
                                                                  "skew",
                                                                  "is_big",
                                                                  "is_bad",
                                                                  "is_edge",
                                                                  "sum_adc"};
constexpr std::array<std::string_view, 7> kPairNames = {
    "delta_a", "delta_adc", "delta_s", "delta_r", "delta_phi", "delta_z", "z_zero"};
constexpr std::array<std::string_view, 2> kLayoutNames = {"two_channel", "layer_map"};

using WindowBytes = std::span<const std::uint8_t, 2 * kWindowPixels>;

float normalised_charge(WindowBytes window, std::size_t pixel) noexcept {
    const unsigned adc = window[2 * pixel] + 256U * window[2 * pixel + 1];
    return static_cast<float>((adc - kChargeMean) / kChargeScale);
}

std::optional<std::size_t> find_map_layer(std::uint8_t layer) noexcept {
    const auto* found = std::find(kMapLayers.begin(), kMapLayers.end(), layer);
    if (found == kMapLayers.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - kMapLayers.begin());
}

// `side` is 0 for the inner hit, 1 for the outer.
void write_hit_channels(WindowBytes window, std::uint8_t layer, std::span<const float> hit,
                        std::size_t side, std::span<float> out) noexcept {
    const double theta = std::atan2(static_cast<double>(hit[kHitY]), hit[kHitZ]);
    const auto cosine = static_cast<float>(std::cos(theta));
    const auto sine = static_cast<float>(std::sin(theta));
    const auto map_layer = find_map_layer(layer);
    const std::size_t first = 4 + side * kMapLayers.size();
    for (std::size_t pixel = 0; pixel < kWindowPixels; ++pixel) {
        const float charge = normalised_charge(window, pixel);
        float* const channels = &out[pixel * kLayerMapChannels];
        channels[side] = charge * cosine;
        channels[2 + side] = charge * sine;
        if (map_layer) {
            channels[first + *map_layer] = charge;
        }
    }
}

}  // namespace

const std::vector<std::string>& doublet_feature_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> made;
        made.reserve(kDoubletFeatures);
        for (const char* const prefix : {"in_", "out_"}) {
            for (const std::string_view name : kHitNames) {
                made.push_back(prefix + std::string(name));
            }
        }
        made.insert(made.end(), kPairNames.begin(), kPairNames.end());
        return made;
    }();
    return names;
}

std::vector<std::string> doublet_columns() {
    std::vector<std::string> names;
    names.reserve(kDoubletColumns);
    for (const char* const window : {"inner_adc", "outer_adc"}) {
        for (std::size_t pixel = 0; pixel < kWindowPixels; ++pixel) {
            names.push_back(std::string(window).append(std::to_string(pixel)));
        }
    }
    names.insert(names.end(), {"inner_layer", "outer_layer"});
    for (std::size_t feature = 0; feature < kDoubletFeatures; ++feature) {
        names.push_back(std::string("f").append(std::to_string(feature)));
    }
    return names;
}

std::string_view to_string(DoubletLayout layout) noexcept {
    return kLayoutNames[static_cast<std::size_t>(layout)];
}

std::optional<DoubletLayout> find_doublet_layout(std::string_view name) noexcept {
    const auto* found = std::find(kLayoutNames.begin(), kLayoutNames.end(), name);
    if (found == kLayoutNames.end()) {
        return std::nullopt;
    }
    return static_cast<DoubletLayout>(found - kLayoutNames.begin());
}

std::size_t window_values(DoubletLayout layout) noexcept {
    return kWindowPixels * (layout == DoubletLayout::two_channel ? 2 : kLayerMapChannels);
}

DoubletView doublet_at(const streams::PixelDoublets& doublets, std::size_t index) noexcept {
    Expects(index < doublets.count);
    constexpr std::size_t kBytes = 2 * kWindowPixels;
    return {doublets.inner_adc.subspan(index * kBytes).first<kBytes>(),
            doublets.outer_adc.subspan(index * kBytes).first<kBytes>(), doublets.inner_layer[index],
            doublets.outer_layer[index],
            doublets.features.subspan(index * kDoubletFeatures).first<kDoubletFeatures>()};
}

void write_windows(const DoubletView& doublet, DoubletLayout layout,
                   std::span<float> out) noexcept {
    Expects(out.size() == window_values(layout));
    if (layout == DoubletLayout::two_channel) {
        for (std::size_t pixel = 0; pixel < kWindowPixels; ++pixel) {
            out[pixel] = normalised_charge(doublet.inner_adc, pixel);
            out[kWindowPixels + pixel] = normalised_charge(doublet.outer_adc, pixel);
        }
        return;
    }
    std::fill(out.begin(), out.end(), 0.0F);
    write_hit_channels(doublet.inner_adc, doublet.inner_layer, doublet.features.first(kHitFeatures),
                       0, out);
    write_hit_channels(doublet.outer_adc, doublet.outer_layer,
                       doublet.features.subspan(kHitFeatures, kHitFeatures), 1, out);
}

}  // namespace tamis::models
