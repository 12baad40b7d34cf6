#include "models/seed_filter/doublet_samples.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <numbers>

#include "engine/random.hpp"
#include "streams/synthetic/pixel_doublets.hpp"

namespace tamis::models {

namespace {

constexpr streams::PixelDoubletConfig kBalanced{.mean_count = 40.0, .true_fraction = 0.5};

template <class Values>
void append(Values& to, const Values& from, std::size_t count) {
    to.insert(to.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
}

void append_doublet(DoubletSamples& to, const DoubletView& doublet, std::uint8_t is_true) {
    to.inner_adc.insert(to.inner_adc.end(), doublet.inner_adc.begin(), doublet.inner_adc.end());
    to.outer_adc.insert(to.outer_adc.end(), doublet.outer_adc.begin(), doublet.outer_adc.end());
    to.inner_layer.push_back(doublet.inner_layer);
    to.outer_layer.push_back(doublet.outer_layer);
    to.features.insert(to.features.end(), doublet.features.begin(), doublet.features.end());
    to.is_true.push_back(is_true);
}

void turn_hit(std::span<float> hit, double angle) {
    constexpr double kFullTurn = 2.0 * std::numbers::pi;
    const double x = hit[kHitX];
    const double y = hit[kHitY];
    hit[kHitX] = static_cast<float>(x * std::cos(angle) - y * std::sin(angle));
    hit[kHitY] = static_cast<float>(x * std::sin(angle) + y * std::cos(angle));
    hit[kHitPhi] = static_cast<float>(std::fmod(hit[kHitPhi] + angle, kFullTurn));
}

}  // namespace

streams::PixelDoublets DoubletSamples::view() const noexcept {
    streams::PixelDoublets doublets;
    doublets.count = static_cast<std::uint32_t>(size());
    doublets.inner_adc = inner_adc;
    doublets.outer_adc = outer_adc;
    doublets.inner_layer = inner_layer;
    doublets.outer_layer = outer_layer;
    doublets.features = features;
    return doublets;
}

DoubletSamples make_doublet_samples(std::uint64_t seed, std::uint32_t run, std::size_t count) {
    DoubletSamples samples;
    streams::PixelDoubletView drawn;
    for (std::uint64_t event = 1; samples.size() < count; ++event) {
        streams::generate_doublets(seed, run, event, kBalanced, drawn);
        const std::size_t taken = std::min(drawn.is_true.size(), count - samples.size());
        append(samples.inner_adc, drawn.inner_adc, taken * 2 * kWindowPixels);
        append(samples.outer_adc, drawn.outer_adc, taken * 2 * kWindowPixels);
        append(samples.inner_layer, drawn.inner_layer, taken);
        append(samples.outer_layer, drawn.outer_layer, taken);
        append(samples.features, drawn.features, taken * kDoubletFeatures);
        append(samples.is_true, drawn.is_true, taken);
    }
    return samples;
}

DoubletSamples select_doublets(const DoubletSamples& samples, std::span<const std::uint8_t> keep) {
    Expects(keep.size() == samples.size());
    DoubletSamples selected;
    const streams::PixelDoublets doublets = samples.view();
    for (std::size_t i = 0; i < keep.size(); ++i) {
        if (keep[i] != 0) {
            append_doublet(selected, doublet_at(doublets, i), samples.is_true[i]);
        }
    }
    return selected;
}

void add_turned_copies(DoubletSamples& samples, std::size_t copies, std::uint64_t seed) {
    const DoubletSamples originals = samples;
    const streams::PixelDoublets doublets = originals.view();
    const std::uint64_t stream = engine::stream_of("turned doublets");
    for (std::size_t i = 0; i < copies * originals.size(); ++i) {
        const std::size_t from = i % originals.size();
        append_doublet(samples, doublet_at(doublets, from), originals.is_true[from]);
        const double angle = 2.0 * std::numbers::pi * engine::random_uniform(seed, stream, i);
        const auto features = std::span(samples.features).last(kDoubletFeatures);
        turn_hit(features.first(kHitFeatures), angle);
        turn_hit(features.subspan(kHitFeatures, kHitFeatures), angle);
    }
}

std::vector<float> table_row_of(const DoubletView& doublet) {
    std::vector<float> row;
    for (const auto& window : {doublet.inner_adc, doublet.outer_adc}) {
        for (std::size_t pixel = 0; pixel < kWindowPixels; ++pixel) {
            row.push_back(static_cast<float>(window[2 * pixel] + 256 * window[2 * pixel + 1]));
        }
    }
    row.push_back(doublet.inner_layer);
    row.push_back(doublet.outer_layer);
    row.insert(row.end(), doublet.features.begin(), doublet.features.end());
    return row;
}

}  // namespace tamis::models
