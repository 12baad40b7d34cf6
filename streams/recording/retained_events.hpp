// Copies of the events that a recording has taken but not yet made safe, in their order; what the
// next file begins with when a file fails. Its memory is reused. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "streams/decision.hpp"
#include "streams/recording/mcap_format.hpp"

namespace tamis::streams {

struct RetainedEvent {
    std::uint64_t number = 0;  // of all events of the run, from 1
    StreamMask streams = 0;
    std::uint64_t log_time_ns = 0;
    std::uint64_t publish_time_ns = 0;
    McapKey key;  // run and event
    std::span<const std::byte> selected;
};

class RetainedEvents {
 public:
    // Its number must be above that of the last one.
    void add(const RetainedEvent& event);
    // Forgets events 1 to `number`.
    void release_up_to(std::uint64_t number) noexcept;

    [[nodiscard]] std::size_t count() const noexcept { return events_.size() - first_; }
    // Valid until the next add() or release_up_to().
    [[nodiscard]] RetainedEvent at(std::size_t index) const noexcept;
    // Of the events that are kept.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size() - first_byte_; }

 private:
    struct Kept {
        RetainedEvent event;  // without `selected`
        std::size_t start = 0;
        std::size_t size = 0;
    };
    void close_gap();

    std::vector<Kept> events_;
    std::size_t first_ = 0;  // those before it are forgotten
    std::vector<std::byte> bytes_;
    std::size_t first_byte_ = 0;
};

}  // namespace tamis::streams
