#include "models/seed_filter/doublet_samples.hpp"

#include <algorithm>

#include "streams/synthetic/pixel_doublets.hpp"

namespace tamis::models {

namespace {

constexpr streams::PixelDoubletConfig kBalanced{.mean_count = 40.0, .true_fraction = 0.5};

template <class Values>
void append(Values& to, const Values& from, std::size_t count) {
    to.insert(to.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
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
