// Which events have been seen lately: the last so many, found at once. For a receiver that must not
// take an event twice. After construction nothing is allocated. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "streams/event_table.hpp"

namespace tamis::streams {

class RecentEvents {
 public:
    // capacity: 1 .. 2^31; seed: of the table's hash, changes no answer.
    RecentEvents(std::size_t capacity, std::uint64_t seed);

    // False when the event is among the last ones; otherwise it becomes the latest.
    [[nodiscard]] bool add(const EventKey& key) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

 private:
    EventTable table_;
    std::vector<EventKey> order_;  // a ring
    std::size_t next_ = 0;
};

}  // namespace tamis::streams
