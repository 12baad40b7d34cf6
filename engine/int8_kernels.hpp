// Floats to 7-bit integers and sums of products back to floats, in vectors of the widest kind the
// processor has. Every element is computed alone and by the same operations whatever the vector, so
// results are the same bits on every processor. No allocation; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tamis::engine {

// integer = value * factor + shift cut to [0, 127] and towards 0; NaN gives 0.
void to_integers(const float* values, std::uint8_t* integers, std::size_t count, float factor,
                 float shift) noexcept;

// value = (sum - offset) * scale + bias per channel; a negative one times negative_slope.
struct SumScales {
    const std::int32_t* offsets;
    const float* scales;
    const float* bias;
    std::size_t channels;
    float negative_slope;  // 1: no activation, 0: ReLU
};
// count: a multiple of channels, the channel is the fastest index.
void from_sums(const std::int32_t* sums, float* values, std::size_t count,
               const SumScales& scales) noexcept;

}  // namespace tamis::engine
