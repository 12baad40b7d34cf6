// Drives the event builder and the naive one with the same calls, decided by a stream of bytes (a
// fuzzer's input or random numbers), and stops at the first difference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tamis::tests {

// What differed, or an empty text.
[[nodiscard]] std::string compare_builders(std::span<const std::uint8_t> choices);

}  // namespace tamis::tests
