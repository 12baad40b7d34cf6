// The last events that have ended, in a ring: which they were and of which sources a fragment came.
// The builder's thread; allocates at construction only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "streams/event_table.hpp"

namespace tamis::streams {

class EndedEvents {
 public:
    struct Ended {
        EventKey key;
        std::uint64_t seen = 0;  // bit i: a fragment of source index i has come
    };
    struct Added {
        std::uint32_t place = 0;
        std::optional<EventKey> forgotten;  // had the place before
    };

    explicit EndedEvents(std::size_t capacity) : ring_(capacity) {}

    Added add(const EventKey& key, std::uint64_t seen) noexcept {
        Added added{.place = static_cast<std::uint32_t>(next_), .forgotten = {}};
        if (count_ == ring_.size()) {
            added.forgotten = ring_[next_].key;
        } else {
            ++count_;
        }
        ring_[next_] = {key, seen};
        next_ = (next_ + 1) % ring_.size();
        return added;
    }
    void clear() noexcept { next_ = count_ = 0; }
    [[nodiscard]] Ended& operator[](std::uint32_t place) noexcept { return ring_[place]; }

 private:
    std::vector<Ended> ring_;
    std::size_t next_ = 0;
    std::size_t count_ = 0;
};

}  // namespace tamis::streams
