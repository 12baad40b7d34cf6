// The steady clock in nanoseconds. Read where a cycle begins and handed down as `now`.
#pragma once

#include <cstdint>

namespace tamis::daemon {

inline constexpr std::uint64_t kNsPerMs = 1'000'000;
inline constexpr double kSecondsPerNs = 1e-9;

// A function, so that tests bring their own.
using Clock = std::uint64_t (*)() noexcept;

[[nodiscard]] std::uint64_t steady_clock_ns() noexcept;

}  // namespace tamis::daemon
