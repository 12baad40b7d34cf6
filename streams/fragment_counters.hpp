// The books of the event builder (design 3.3): one counter for each way of losing a fragment and
// one for each way an event leaves the builder. Plain integers, one writer; other threads read a
// published copy (published_snapshot.hpp). `received` and `opened` are counted on their own, not
// summed: a wrong branch shows as an imbalance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "streams/fragment.hpp"

namespace tamis::streams {

struct alignas(64) FragmentCounters {
    std::uint64_t received = 0;             // messages handed to the builder
    std::uint64_t used = 0;                 // became part of an event
    std::uint64_t duplicate_same = 0;       // its source had been seen, same type and payload
    std::uint64_t duplicate_different = 0;  // its source had been seen with another payload
    std::uint64_t duplicate_late = 0;       // its source had been seen, the event had been closed
    std::uint64_t late = 0;                 // its event had been closed without its source
    std::uint64_t malformed = 0;            // no wire.Fragment, or several parts
    std::uint64_t bad_checksum = 0;
    std::uint64_t unknown_source = 0;
    std::uint64_t wrong_run = 0;
    std::uint64_t oversize = 0;
    std::uint64_t received_bytes = 0;  // of all messages that came whole
    std::uint64_t used_bytes = 0;      // of the payloads in events

    void count(FragmentFault fault) noexcept;
    [[nodiscard]] std::uint64_t accounted() const noexcept;
    // received minus all it must equal: 0.
    [[nodiscard]] std::int64_t imbalance() const noexcept;
};

// Events as the builder sees them. What was closed complete, incomplete or inconsistent is decided
// by the pipeline, which keeps the books of outcomes.
struct alignas(64) BuilderEventCounters {
    std::uint64_t opened = 0;
    std::uint64_t complete = 0;
    std::uint64_t complete_masked = 0;  // of them, without a source that had fallen silent
    std::uint64_t incomplete = 0;       // the sum of the four causes below
    std::uint64_t inconsistent = 0;     // a source sent two different fragments
    std::uint64_t shed = 0;             // refused under overload
    std::uint64_t abandoned = 0;        // open when the node stopped, or taken back
    std::uint64_t taken_back = 0;       // of them: their sender gave them to another node
    std::uint64_t open = 0;             // a gauge, not a counter
    std::uint64_t window_ns = 0;        // likewise: how long an event waits now

    std::uint64_t incomplete_time = 0;   // the window in time ended
    std::uint64_t incomplete_bytes = 0;  // the window, the event or the pool had its bytes
    std::uint64_t incomplete_slots = 0;  // the oldest made room, all slots being open
    std::uint64_t incomplete_end = 0;    // the input ended

    [[nodiscard]] std::int64_t imbalance() const noexcept;
};

// One source, by its position in the configuration.
struct alignas(64) SourceCounters {
    std::uint64_t received = 0;  // decoded, of this run
    std::uint64_t used = 0;
    std::uint64_t duplicates = 0;  // of every kind
    std::uint64_t late = 0;

    // Of fragments that carry a sequence number.
    std::uint64_t sequence_missing = 0;    // numbers jumped over
    std::uint64_t sequence_reordered = 0;  // of them, those that came after all
    std::uint64_t sequence_repeated = 0;   // numbers that came again
    std::uint64_t sequence_first = 0;      // the lowest seen; above 1 the node came late
    std::uint64_t sequence_last = 0;       // the highest seen
    std::uint64_t gaps = 0;                // jumps over one number or more
    std::uint64_t longest_gap = 0;         // numbers

    std::uint64_t absent = 0;     // events closed incomplete without it
    std::uint64_t excused = 0;    // events that were complete without it: it was masked
    std::uint64_t masked = 0;     // how often it fell silent
    std::uint64_t is_masked = 0;  // a gauge: 1 while it is silent

    // Of used fragments: how long after the event's first one they came. Bucket i: at most 4^i us,
    // and more than that of the bucket below; the last one has no bound.
    static constexpr std::size_t kDelayBuckets = 16;
    std::array<std::uint64_t, kDelayBuckets> delays{};
    std::uint64_t delay_sum_ns = 0;
    std::uint64_t delay_max_ns = 0;

    // Numbers between the first and the last that never came: not sent, or lost on the way.
    [[nodiscard]] std::uint64_t lost() const noexcept {
        return sequence_missing - sequence_reordered;
    }
};

}  // namespace tamis::streams
