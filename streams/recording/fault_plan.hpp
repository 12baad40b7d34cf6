// Which fragments of a replay are damaged, and how: a pure function of the seed and of (run, event,
// source), by counter-based random numbers (Philox 4x32-10). At most one fault a fragment. Plain
// data; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "streams/fragment.hpp"

namespace tamis::streams {

enum class Fault : std::uint8_t {
    none,
    silence,    // never sent: its source is silent
    loss,       // never sent
    duplicate,  // sent twice
    reorder,    // sent after 1 .. window later fragments of its source
    late,       // sent when its event has been given up
    delay,      // sent later, but in time
    corrupt,    // one bit flipped that the checksum covers
};
inline constexpr std::size_t kFaultCount = 8;

[[nodiscard]] std::string_view to_string(Fault fault) noexcept;

struct FaultOptions {
    std::uint64_t seed = 1;
    // Fractions of all fragments; their sum is at most 1.
    double loss = 0;
    double duplicate = 0;
    double reorder = 0;
    double late = 0;
    double delay = 0;
    double corrupt = 0;
    std::uint64_t reorder_window = 64;  // fragments of the source
    std::uint64_t late_ns = 2'000'000'000;
    std::uint64_t delay_ns = 20'000'000;
    struct Silence {
        std::uint32_t source = 0;
        std::uint64_t first_event = 0;
        std::uint64_t last_event = 0;  // inclusive
    };
    std::optional<Silence> silence;
};

struct PlannedFault {
    Fault fault = Fault::none;
    std::uint64_t after = 0;   // reorder: so many fragments of the source
    std::uint64_t choice = 0;  // corrupt: picks the bit
};

[[nodiscard]] PlannedFault plan_fault(const FaultOptions& options,
                                      const Fragment& fragment) noexcept;

}  // namespace tamis::streams
