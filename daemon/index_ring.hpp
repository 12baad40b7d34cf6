// Hands events from one stage to the next: a bounded ring of pool indices with one writer and one
// reader. A ring holds every event of the pool, so a push always finds room.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <gsl/assert>

#include "streams/event_pool.hpp"

namespace tamis::daemon {

class IndexRing {
 public:
    explicit IndexRing(std::size_t pool_events) : ring_(pool_events) {}

    void push(streams::EventIndex index) noexcept {
        const bool had_room = ring_.push(index);
        Ensures(had_room);
    }
    // Takes at most `limit` indices in their order; returns how many.
    std::size_t pop(streams::EventIndex* indices, std::size_t limit) noexcept {
        return ring_.pop(indices, limit);
    }
    // The writer's view: how many indices wait, or fewer.
    [[nodiscard]] std::size_t free_room() const noexcept { return ring_.write_available(); }

 private:
    boost::lockfree::spsc_queue<streams::EventIndex> ring_;
};

}  // namespace tamis::daemon
