// Standard normal numbers by the array: what a training draws as noise, in vectors (Highway). Four
// per word of the counter instead of random_normal's one, so that the two are different numbers.
// Any thread.
#pragma once

#include <cstdint>
#include <span>

namespace tamis::engine {

// values[i] is a function of (seed, stream, first + i) alone, on one instruction set. first: a
// multiple of 4.
void random_normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
                    std::span<float> values) noexcept;

}  // namespace tamis::engine
