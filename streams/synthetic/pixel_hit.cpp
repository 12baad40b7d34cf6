#include "streams/synthetic/pixel_hit.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "streams/synthetic/four_vector.hpp"

namespace tamis::streams {
namespace {

constexpr std::array<double, 4> kBarrelRadius = {2.9, 6.8, 10.9, 16.0};
constexpr double kBarrelHalfLength = 26.7;
constexpr std::array<double, 3> kDiskZ = {29.1, 39.6, 51.6};
constexpr double kDiskInner = 4.5, kDiskOuter = 16.1;
constexpr double kCurvature = 0.3 * 3.8 / 200.0;  // 1 / (2 R) in 1/cm of a track of 1 GeV, 3.8 T
constexpr double kLorentzSlope = 0.35, kDiskLorentzSlope = 0.10;
constexpr double kDiskTilt = 0.36;  // rad, of the blades around the radial direction

constexpr double kThicknessInX = 285.0 / 100.0, kThicknessInY = 285.0 / 150.0;  // in pixels
constexpr double kChargePerThickness = 21000.0;                                 // electrons
constexpr double kPixelThreshold = 2200.0;

PixelHit hit_at(const PixelTrack& track, std::uint8_t layer, double r, double z) noexcept {
    const double bend = std::asin(std::min(1.0, kCurvature * r / track.pt));
    PixelHit hit;
    hit.layer = layer;
    hit.r = r;
    hit.z = z;
    hit.phi = wrap_phi(track.phi - track.charge * bend);
    hit.x = r * std::cos(hit.phi);
    hit.y = r * std::sin(hit.phi);
    return hit;
}

std::optional<PixelHit> find_barrel_hit(const PixelTrack& track, std::uint8_t layer) noexcept {
    const double r = kBarrelRadius[layer];
    if (kCurvature * r >= track.pt) {
        return std::nullopt;  // curls up inside
    }
    const double slope = std::sinh(track.eta);
    const double z = track.z0 + r * slope;
    if (std::abs(z) > kBarrelHalfLength) {
        return std::nullopt;
    }
    PixelHit hit = hit_at(track, layer, r, z);
    const double bend = std::asin(kCurvature * r / track.pt);
    hit.slope_x = -track.charge * std::tan(bend) + kLorentzSlope;
    hit.slope_y = slope / std::cos(bend);
    return hit;
}

std::optional<PixelHit> find_disk_hit(const PixelTrack& track, std::uint8_t layer) noexcept {
    const bool positive = layer >= kPositiveDisks[0];
    const double z =
        positive ? kDiskZ[layer - kPositiveDisks[0]] : -kDiskZ[layer - kNegativeDisks[0]];
    const double slope = std::sinh(track.eta);
    const double r = (z - track.z0) / slope;
    if (!(r > kDiskInner && r < kDiskOuter) || kCurvature * r >= track.pt) {
        return std::nullopt;
    }
    PixelHit hit = hit_at(track, layer, r, z);
    const double bend = std::asin(kCurvature * r / track.pt);
    hit.slope_x =
        std::tan(kDiskTilt) - track.charge * std::tan(bend) / std::abs(slope) + kDiskLorentzSlope;
    hit.slope_y = 1.0 / std::abs(slope);
    return hit;
}

// Landau-like: a narrow peak and a long tail of hard knock-on electrons.
double draw_energy_loss(RandomStream& random) noexcept {
    const double core = random.log_normal(1.0, 0.13);
    return random.chance(0.15) ? core + random.exponential(0.7) : core;
}

// Follows the path through the silicon in steps and collects charge by pixel.
void spread_charge(RandomStream& random, const PixelHit& hit, double charge, double offset_x,
                   double offset_y, std::array<float, kPixelWindow>& charges) noexcept {
    constexpr double kMiddle = 8.0;
    const double length_x = kThicknessInX * hit.slope_x;
    const double length_y = kThicknessInY * hit.slope_y;
    const double pixels = 1.0 + std::abs(length_x) + std::abs(length_y);
    const auto steps = static_cast<std::uint32_t>(std::clamp(4.0 * pixels, 8.0, 120.0));
    for (std::uint32_t i = 0; i < steps; ++i) {
        const double depth = (i + 0.5) / steps - 0.5;
        const double x = kMiddle + offset_x + depth * length_x;
        const double y = kMiddle + offset_y + depth * length_y;
        const double share = charge / steps * (0.6 + 0.8 * random.uniform());
        if (x >= 0 && x < kPixelWindowSide && y >= 0 && y < kPixelWindowSide) {
            charges[static_cast<std::size_t>(y) * kPixelWindowSide + static_cast<std::size_t>(x)] +=
                static_cast<float>(share);
        }
    }
}

// Applies the threshold, writes the window and measures the cluster.
void measure(const std::array<float, kPixelWindow>& charges,
             std::span<std::uint16_t, kPixelWindow> window, PixelCluster& cluster) noexcept {
    std::size_t low_x = kPixelWindowSide;
    std::size_t low_y = kPixelWindowSide;
    std::size_t high_x = 0;
    std::size_t high_y = 0;
    for (std::size_t i = 0; i < kPixelWindow; ++i) {
        if (charges[i] < kPixelThreshold) {
            window[i] = 0;
            continue;
        }
        window[i] = static_cast<std::uint16_t>(std::min(charges[i], 65535.0F));
        cluster.charge += window[i];
        ++cluster.size;
        low_x = std::min(low_x, i % kPixelWindowSide);
        high_x = std::max(high_x, i % kPixelWindowSide);
        low_y = std::min(low_y, i / kPixelWindowSide);
        high_y = std::max(high_y, i / kPixelWindowSide);
    }
    if (cluster.size != 0) {
        cluster.size_x = static_cast<std::uint32_t>(high_x - low_x + 1);
        cluster.size_y = static_cast<std::uint32_t>(high_y - low_y + 1);
        cluster.empty_inside = cluster.size_x * cluster.size_y - cluster.size;
    }
}

}  // namespace

std::optional<PixelHit> find_hit(const PixelTrack& track, std::uint8_t layer) noexcept {
    return is_barrel(layer) ? find_barrel_hit(track, layer) : find_disk_hit(track, layer);
}

PixelCluster draw_cluster(RandomStream& random, const PixelHit& hit,
                          std::span<std::uint16_t, kPixelWindow> window) noexcept {
    const double path = std::sqrt(1.0 + hit.slope_x * hit.slope_x + hit.slope_y * hit.slope_y);
    const double charge = kChargePerThickness * path * draw_energy_loss(random);
    PixelCluster cluster;
    const double offset_x = random.uniform();
    const double offset_y = random.uniform();
    cluster.centre_x = std::floor(random.uniform(0.0, 160.0)) + offset_x;
    cluster.centre_y = std::floor(random.uniform(0.0, 416.0)) + offset_y;
    cluster.has_big_pixel = random.chance(0.06);
    cluster.is_bad = random.chance(0.005);
    cluster.is_at_edge = random.chance(0.03);
    cluster.overflows_x = std::abs(kThicknessInX * hit.slope_x) > kPixelWindowSide - 1.0;
    cluster.overflows_y = std::abs(kThicknessInY * hit.slope_y) > kPixelWindowSide - 1.0;
    std::array<float, kPixelWindow> charges{};
    spread_charge(random, hit, charge, offset_x, offset_y, charges);
    measure(charges, window, cluster);
    return cluster;
}

}  // namespace tamis::streams
