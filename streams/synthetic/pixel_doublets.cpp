#include "streams/synthetic/pixel_doublets.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "streams/synthetic/four_vector.hpp"
#include "streams/synthetic/pixel_hit.hpp"
#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint32_t kMostDoublets = 64;
constexpr std::size_t kFeatures = 67;
constexpr float kMissing = -1.0F;
constexpr double kBeamSpotZ = 4.5;  // cm, one sigma
constexpr double kSeedZ = 13.0;     // cm: a pair is kept if it points to |z| below
constexpr double kSeedPhi = 0.06;   // rad between the hits

struct LayerPair {
    std::uint8_t inner, outer;
};
constexpr std::array<LayerPair, 11> kLayerPairs = {{{0, 1},
                                                    {1, 2},
                                                    {2, 3},
                                                    {0, 14},
                                                    {0, 29},
                                                    {1, 14},
                                                    {1, 29},
                                                    {14, 15},
                                                    {29, 30},
                                                    {15, 16},
                                                    {30, 31}}};
// Half of all seeds start in the two innermost layers.
LayerPair draw_layers(RandomStream& random) noexcept {
    if (random.chance(0.45)) {
        return kLayerPairs[0];
    }
    return kLayerPairs[static_cast<std::size_t>(random.uniform() * kLayerPairs.size())];
}

// A track that can cross the layers: forward for disks, on their side.
PixelTrack draw_track(RandomStream& random, const LayerPair& layers) noexcept {
    PixelTrack track;
    track.pt = 0.35 + random.exponential(0.9);
    if (is_barrel(layers.outer)) {
        track.eta = random.uniform(-2.4, 2.4);
    } else {
        track.eta = random.uniform(1.2, 2.6) * (layers.outer >= kPositiveDisks[0] ? 1.0 : -1.0);
    }
    track.phi = random.angle();
    track.z0 = random.normal(0.0, kBeamSpotZ);
    track.charge = random.chance(0.5) ? 1 : -1;
    return track;
}

double beam_line_z(const PixelHit& inner, const PixelHit& outer) noexcept {
    return inner.z - inner.r * (outer.z - inner.z) / (outer.r - inner.r);
}

bool is_seed(const PixelHit& inner, const PixelHit& outer) noexcept {
    return outer.r > inner.r + 0.3 && std::abs(wrap_phi(outer.phi - inner.phi)) < kSeedPhi &&
           std::abs(beam_line_z(inner, outer)) < kSeedZ;
}

struct HitPair {
    PixelHit inner, outer;
    bool is_true = false;
};

bool draw_true_pair(RandomStream& random, const LayerPair& layers, HitPair& pair) noexcept {
    const PixelTrack track = draw_track(random, layers);
    const auto inner = find_hit(track, layers.inner);
    const auto outer = find_hit(track, layers.outer);
    if (!inner || !outer || !is_seed(*inner, *outer)) {
        return false;
    }
    pair = {*inner, *outer, true};
    return true;
}

// The second track is drawn near the first, so that the pair has a chance to look like a seed.
bool draw_fake_pair(RandomStream& random, const LayerPair& layers, HitPair& pair) noexcept {
    const PixelTrack first = draw_track(random, layers);
    PixelTrack second = draw_track(random, layers);
    second.phi = first.phi + random.uniform(-0.09, 0.09);
    second.eta = first.eta + random.normal(0.0, 0.8);
    auto inner = find_hit(first, layers.inner);
    auto outer = find_hit(second, layers.outer);
    if (!inner || !outer || !is_seed(*inner, *outer)) {
        return false;
    }
    // Secondaries and low-momentum loopers cross a module at any angle.
    if (random.chance(0.32)) {
        PixelHit& odd = random.chance(0.5) ? *inner : *outer;
        odd.slope_x += random.normal(0.0, 0.7);
        odd.slope_y += random.normal(0.0, 1.8);
    }
    pair = {*inner, *outer, false};
    return true;
}

HitPair draw_pair(RandomStream& random, double true_fraction) noexcept {
    const bool is_true = random.chance(true_fraction);
    const LayerPair layers = draw_layers(random);
    HitPair pair;
    while (
        !(is_true ? draw_true_pair(random, layers, pair) : draw_fake_pair(random, layers, pair))) {
    }
    return pair;
}

// 30 numbers of one hit, in the order of the wire.
float* write_hit(const PixelHit& hit, const PixelCluster& cluster, float* out) noexcept {
    const bool barrel = is_barrel(hit.layer);
    const auto number = [](double value) { return static_cast<float>(value); };
    const double turn = hit.phi < 0 ? hit.phi + 2.0 * std::numbers::pi : hit.phi;
    const bool positive = hit.layer >= kPositiveDisks[0];
    const std::uint8_t disk =
        barrel ? 0 : static_cast<std::uint8_t>(hit.layer - (positive ? 28 : 13));
    const double ladders = barrel ? 12.0 + 16.0 * hit.layer : 0.0;
    const double ladder = std::floor(turn / (2.0 * std::numbers::pi) * ladders) + 1.0;
    const double module =
        barrel ? std::floor((hit.z + 26.7) / 6.7) + 1.0 : std::floor((hit.r - 4.5) / 3.0) + 1.0;
    const double skew =
        cluster.size_x > 0 ? static_cast<double>(cluster.size_y) / cluster.size_x : 0.0;
    const std::array<float, 30> values = {
        number(hit.x),
        number(hit.y),
        number(hit.z),
        number(turn),
        number(hit.r),
        number(hit.layer),  // detector sequence
        barrel ? 1.0F : 0.0F,
        barrel ? number(hit.layer + 1) : kMissing,
        barrel ? number(ladder) : kMissing,
        barrel ? kMissing : (positive ? 2.0F : 1.0F),
        barrel ? kMissing : number(disk),
        barrel ? kMissing : (cluster.centre_x < 80.0 ? 1.0F : 2.0F),
        number(module),
        barrel ? number(static_cast<int>(ladder) % 2) : kMissing,
        number(barrel ? hit.r - 0.15 : hit.r),
        number(barrel ? hit.r + 0.15 : hit.r),
        number(cluster.centre_x),
        number(cluster.centre_y),
        number(cluster.size),
        number(cluster.size_x),
        number(cluster.size_y),
        number(cluster.empty_inside),
        cluster.size > 0 ? number(cluster.charge / cluster.size) : 0.0F,
        cluster.overflows_x ? 1.0F : 0.0F,
        cluster.overflows_y ? 1.0F : 0.0F,
        number(skew),
        cluster.has_big_pixel ? 1.0F : 0.0F,
        cluster.is_bad ? 1.0F : 0.0F,
        cluster.is_at_edge ? 1.0F : 0.0F,
        number(cluster.charge),
    };
    return std::copy(values.begin(), values.end(), out);
}

void append_window(const std::array<std::uint16_t, kPixelWindow>& window,
                   std::vector<std::uint8_t>& out) {
    const std::size_t start = out.size();
    out.resize(start + 2 * kPixelWindow);
    for (std::size_t i = 0; i < kPixelWindow; ++i) {
        out[start + 2 * i] = static_cast<std::uint8_t>(window[i] & 0xFFU);
        out[start + 2 * i + 1] = static_cast<std::uint8_t>(window[i] >> 8U);
    }
}

void append_doublet(RandomStream& random, const HitPair& pair, PixelDoubletView& out) {
    std::array<std::uint16_t, kPixelWindow> window{};
    const PixelCluster inner = draw_cluster(random, pair.inner, window);
    append_window(window, out.inner_adc);
    const PixelCluster outer = draw_cluster(random, pair.outer, window);
    append_window(window, out.outer_adc);
    out.inner_layer.push_back(pair.inner.layer);
    out.outer_layer.push_back(pair.outer.layer);
    out.is_true.push_back(pair.is_true ? 1 : 0);

    const std::size_t start = out.features.size();
    out.features.resize(start + kFeatures);
    float* const features = &out.features[start];
    float* pair_features = write_hit(pair.outer, outer, write_hit(pair.inner, inner, features));
    const auto skew = [](const PixelCluster& cluster) {
        return cluster.size_x > 0 ? static_cast<double>(cluster.size_y) / cluster.size_x : 0.0;
    };
    const std::array<double, 7> differences = {
        static_cast<double>(inner.size) - outer.size,
        inner.charge - outer.charge,
        skew(inner) - skew(outer),
        pair.inner.r - pair.outer.r,
        wrap_phi(pair.inner.phi - pair.outer.phi),
        pair.inner.z - pair.outer.z,
        beam_line_z(pair.inner, pair.outer),
    };
    std::transform(differences.begin(), differences.end(), pair_features,
                   [](double value) { return static_cast<float>(value); });
}

}  // namespace

void PixelDoubletView::clear() noexcept {
    inner_adc.clear();
    outer_adc.clear();
    inner_layer.clear();
    outer_layer.clear();
    features.clear();
    is_true.clear();
}

PixelDoublets PixelDoubletView::view() const noexcept {
    PixelDoublets doublets;
    doublets.count = static_cast<std::uint32_t>(is_true.size());
    doublets.inner_adc = inner_adc;
    doublets.outer_adc = outer_adc;
    doublets.inner_layer = inner_layer;
    doublets.outer_layer = outer_layer;
    doublets.features = features;
    return doublets;
}

void generate_doublets(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                       const PixelDoubletConfig& config, PixelDoubletView& out) {
    RandomStream random(seed, run, event, RandomPart::pixels);
    out.clear();
    const std::uint32_t count = std::min(kMostDoublets, random.poisson(config.mean_count));
    for (std::uint32_t i = 0; i < count; ++i) {
        append_doublet(random, draw_pair(random, config.true_fraction), out);
    }
}

}  // namespace tamis::streams
