#include "streams/recent_events.hpp"

#include <gsl/assert>

namespace tamis::streams {

RecentEvents::RecentEvents(std::size_t capacity, std::uint64_t seed)
    : table_(capacity, seed), order_(capacity) {
    Expects(capacity >= 1);
}

bool RecentEvents::add(const EventKey& key) noexcept {
    if (table_.find(key) != EventTable::kAbsent) {
        return false;
    }
    if (table_.size() == order_.size()) {
        table_.erase(order_[next_]);
    }
    order_[next_] = key;
    next_ = (next_ + 1) % order_.size();
    table_.set(key, 0);
    return true;
}

}  // namespace tamis::streams
