// An event: the fragments of one collision, in one slot of the event pool. Owned once: the builder
// fills it, one worker reads it, one sender reads it, then the slot is reused with its buffers. No
// thread shares a slot with another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "streams/fragment.hpp"

namespace tamis::streams {

// Position of a source in the node's configured list; wire source identifiers are arbitrary,
// positions are dense.
using SourceIndex = std::uint32_t;
inline constexpr std::size_t kMaxSources = 64;

// One source's part of an event. The payload buffer keeps its capacity when the slot is reused.
struct EventFragment {
    std::uint32_t source = 0;  // identifier on the wire
    std::uint64_t timestamp_ns = 0;
    std::uint64_t sequence = 0;
    PayloadType payload_type = PayloadType::raw;
    std::optional<std::uint32_t> crc32c;
    std::vector<std::byte> payload;
};

// Why the builder closed an event.
enum class EventState : std::uint8_t {
    open,
    complete,
    incomplete,    // the window ended, or the byte budget, before every source was seen
    inconsistent,  // a source sent two different fragments
};

struct Event {
    std::uint32_t run = 0;
    std::uint64_t number = 0;  // unique in its run
    EventState state = EventState::open;
    std::uint64_t sources_seen = 0;        // bit i: source index i
    std::uint64_t first_arrival_ns = 0;    // steady clock
    std::uint64_t last_arrival_ns = 0;     // steady clock, of the last fragment that was used
    std::size_t payload_bytes = 0;         // of all fragments
    std::vector<EventFragment> fragments;  // by source index; valid where sources_seen has the bit
    std::uint64_t sources_masked = 0;      // complete without these: they had fallen silent

    [[nodiscard]] bool has(SourceIndex source) const noexcept {
        return (sources_seen >> source & 1U) != 0;
    }
};

}  // namespace tamis::streams
