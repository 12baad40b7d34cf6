// Counter-based random numbers: a value is a pure function of (seed, stream, index), on any thread,
// in any order. Philox4x32-10 (Salmon et al., SC11).
#pragma once

#include <array>
#include <cstdint>

namespace tamis::engine {

// Four independent 32-bit words.
[[nodiscard]] std::array<std::uint32_t, 4> random_words(std::uint64_t seed, std::uint64_t stream,
                                                        std::uint64_t index) noexcept;

// Uniform in [0, 1): 24 random bits.
[[nodiscard]] float random_uniform(std::uint64_t seed, std::uint64_t stream,
                                   std::uint64_t index) noexcept;

// Standard normal (Box-Muller).
[[nodiscard]] float random_normal(std::uint64_t seed, std::uint64_t stream,
                                  std::uint64_t index) noexcept;

// Uniform integer in [0, bound); bound > 0.
[[nodiscard]] std::uint64_t random_below(std::uint64_t bound, std::uint64_t seed,
                                         std::uint64_t stream, std::uint64_t index) noexcept;

// A stream number from a name (FNV-1a, 64 bit).
[[nodiscard]] std::uint64_t stream_of(const char* name) noexcept;

}  // namespace tamis::engine
