// Pairs of pixel hits that could start a track: true ones from one track, fake ones from two tracks
// (or a track and a secondary) that happen to point to the beam line. Difficulty: see README.
#pragma once

#include <cstdint>
#include <vector>

#include "streams/payloads.hpp"

namespace tamis::streams {

struct PixelDoubletConfig {
    double mean_count = 6.0;      // doublets per event, Poisson, at most 64
    double true_fraction = 0.40;  // of them
};

struct PixelDoubletView {
    std::vector<std::uint8_t> inner_adc, outer_adc;      // count x 512 bytes, as on the wire
    std::vector<std::uint8_t> inner_layer, outer_layer;  // count
    std::vector<float> features;                         // count x 67, as on the wire
    std::vector<std::uint8_t> is_true;                   // truth, count

    void clear() noexcept;
    [[nodiscard]] PixelDoublets view() const noexcept;
};

// Of event `event` of run `run` under the seed; needs nothing of the collision. Reuses the buffers
// of `out`. Any thread.
void generate_doublets(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                       const PixelDoubletConfig& config, PixelDoubletView& out);

}  // namespace tamis::streams
