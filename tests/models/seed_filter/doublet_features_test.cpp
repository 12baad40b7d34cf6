#include "models/seed_filter/doublet_features.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tamis::models {
namespace {

struct Doublet {
    std::vector<std::uint8_t> inner = std::vector<std::uint8_t>(512);
    std::vector<std::uint8_t> outer = std::vector<std::uint8_t>(512);
    std::uint8_t inner_layer = 0, outer_layer = 1;
    std::vector<float> features = std::vector<float>(kDoubletFeatures);

    static void set(std::vector<std::uint8_t>& window, std::size_t x, std::size_t y, unsigned adc) {
        window[2 * (16 * y + x)] = static_cast<std::uint8_t>(adc & 0xFFU);
        window[2 * (16 * y + x) + 1] = static_cast<std::uint8_t>(adc >> 8U);
    }
    [[nodiscard]] DoubletView view() const {
        return {std::span(inner).first<512>(), std::span(outer).first<512>(), inner_layer,
                outer_layer, std::span(features).first<kDoubletFeatures>()};
    }
};

double charge(double adc) { return (adc - 13382.0011321) / 10525.1252954; }

TEST(DoubletFeatures, two_channels_hold_inner_then_outer_charges_row_by_row) {
    Doublet doublet;
    Doublet::set(doublet.inner, 3, 5, 40000);
    Doublet::set(doublet.outer, 15, 0, 65535);
    std::vector<float> out(window_values(DoubletLayout::two_channel));
    ASSERT_EQ(out.size(), 512U);
    write_windows(doublet.view(), DoubletLayout::two_channel, out);
    EXPECT_NEAR(out[16 * 5 + 3], charge(40000), 1e-6);
    EXPECT_NEAR(out[256 + 15], charge(65535), 1e-6);
    EXPECT_NEAR(out[0], charge(0), 1e-6);
    EXPECT_NEAR(out[511], charge(0), 1e-6);
}

TEST(DoubletFeatures, layer_map_puts_each_hit_into_the_channel_of_its_layer) {
    Doublet doublet;
    doublet.inner_layer = 2;
    doublet.outer_layer = 29;
    Doublet::set(doublet.inner, 1, 2, 20000);
    Doublet::set(doublet.outer, 1, 2, 30000);
    doublet.features[kHitZ] = 4.0F;  // theta = 0: cosine 1, sine 0
    doublet.features[kHitFeatures + kHitY] = 3.0F;
    doublet.features[kHitFeatures + kHitZ] = 4.0F;
    std::vector<float> out(window_values(DoubletLayout::layer_map));
    ASSERT_EQ(out.size(), 16U * 16U * 24U);
    write_windows(doublet.view(), DoubletLayout::layer_map, out);
    const float* const pixel = &out[(16 * 2 + 1) * 24];
    EXPECT_NEAR(pixel[0], charge(20000), 1e-6);
    EXPECT_NEAR(pixel[1], charge(30000) * 0.8, 1e-6);
    EXPECT_NEAR(pixel[2], 0.0, 1e-6);
    EXPECT_NEAR(pixel[3], charge(30000) * 0.6, 1e-6);
    EXPECT_NEAR(pixel[4 + 2], charge(20000), 1e-6);       // inner, layer 2
    EXPECT_NEAR(pixel[4 + 10 + 7], charge(30000), 1e-6);  // outer, layer 29
    int filled = 0;
    for (int channel = 4; channel < 24; ++channel) {
        filled += pixel[channel] != 0 ? 1 : 0;
    }
    EXPECT_EQ(filled, 2);
    EXPECT_NEAR(out[4 + 2], charge(0), 1e-6);  // silent pixels are normalised too
}

TEST(DoubletFeatures, a_hit_of_an_unknown_layer_is_in_the_theta_channels_only) {
    Doublet doublet;
    doublet.inner_layer = 7;
    doublet.outer_layer = 200;
    doublet.features[kHitZ] = 1.0F;
    std::vector<float> out(window_values(DoubletLayout::layer_map), 9.0F);
    write_windows(doublet.view(), DoubletLayout::layer_map, out);
    EXPECT_NE(out[0], 0.0F);
    for (std::size_t channel = 4; channel < 24; ++channel) {
        EXPECT_EQ(out[channel], 0.0F) << channel;
    }
}

TEST(DoubletFeatures, names_cover_two_hits_and_the_pair) {
    const auto& names = doublet_feature_names();
    ASSERT_EQ(names.size(), kDoubletFeatures);
    EXPECT_EQ(names[kHitZ], "in_z");
    EXPECT_EQ(names[29], "in_sum_adc");
    EXPECT_EQ(names[30], "out_x");
    EXPECT_EQ(names[60], "delta_a");
    EXPECT_EQ(names[66], "z_zero");
}

TEST(DoubletFeatures, finds_a_doublet_in_the_payload) {
    std::vector<std::uint8_t> inner(1024), outer(1024);
    inner[512] = 7;
    const std::vector<std::uint8_t> layers = {1, 3}, outer_layers = {2, 14};
    std::vector<float> features(2 * kDoubletFeatures);
    features[kDoubletFeatures + 1] = 5.0F;
    const streams::PixelDoublets doublets{2, inner, outer, layers, outer_layers, features};
    const DoubletView second = doublet_at(doublets, 1);
    EXPECT_EQ(second.inner_adc[0], 7);
    EXPECT_EQ(second.inner_layer, 3);
    EXPECT_EQ(second.outer_layer, 14);
    EXPECT_EQ(second.features[1], 5.0F);
}

}  // namespace
}  // namespace tamis::models
