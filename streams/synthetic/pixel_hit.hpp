// A charged track's hit in a silicon pixel module: where it is and which charges it leaves in the
// 16x16 pixels around it. Geometry of a barrel of four layers and three disks on each side (the CMS
// phase-1 pixel detector, simplified); lengths in cm, pixels of 100 x 150 um, 285 um deep.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {

inline constexpr std::size_t kPixelWindowSide = 16;
inline constexpr std::size_t kPixelWindow = kPixelWindowSide * kPixelWindowSide;

// Detector layers by their number on the wire.
inline constexpr std::array<std::uint8_t, 4> kBarrelLayers = {0, 1, 2, 3};
inline constexpr std::array<std::uint8_t, 3> kNegativeDisks = {14, 15, 16};
inline constexpr std::array<std::uint8_t, 3> kPositiveDisks = {29, 30, 31};

struct PixelTrack {
    double pt = 1, eta = 0, phi = 0;  // GeV; at the beam line
    double z0 = 0;                    // cm
    int charge = 1;
};

struct PixelHit {
    std::uint8_t layer = 0;
    double x = 0, y = 0, z = 0, phi = 0, r = 0;  // cm; phi in [-pi, pi)
    // Slopes of the track against the normal of the module: along local x (with the Lorentz drift)
    // and along local y.
    double slope_x = 0, slope_y = 0;
};

[[nodiscard]] constexpr bool is_barrel(std::uint8_t layer) noexcept { return layer < 14; }

// Where the track crosses the layer; empty if it misses it.
[[nodiscard]] std::optional<PixelHit> find_hit(const PixelTrack& track,
                                               std::uint8_t layer) noexcept;

// The cluster of a hit; charges in ADC counts (electrons), clipped to 65535.
struct PixelCluster {
    double centre_x = 0, centre_y = 0;  // in pixels of the module
    std::uint32_t size = 0, size_x = 0, size_y = 0;
    std::uint32_t empty_inside = 0;  // pixels without charge in its bounding box
    double charge = 0;
    bool overflows_x = false, overflows_y = false;  // wider than the window
    bool has_big_pixel = false, is_bad = false, is_at_edge = false;
};

// Writes the charges into `window`, row (y) by row, and returns what describes the cluster.
[[nodiscard]] PixelCluster draw_cluster(RandomStream& random, const PixelHit& hit,
                                        std::span<std::uint16_t, kPixelWindow> window) noexcept;

}  // namespace tamis::streams
