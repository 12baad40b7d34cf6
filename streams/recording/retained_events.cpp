#include "streams/recording/retained_events.hpp"

#include <gsl/assert>

namespace tamis::streams {

void RetainedEvents::add(const RetainedEvent& event) {
    Expects(count() == 0 || events_.back().event.number < event.number);
    // Moved down when as much is forgotten as is kept, so each byte is moved once on average.
    if (first_byte_ > bytes() + event.selected.size()) {
        close_gap();
    }
    Kept& kept = events_.emplace_back(Kept{event, bytes_.size(), event.selected.size()});
    kept.event.selected = {};
    bytes_.insert(bytes_.end(), event.selected.begin(), event.selected.end());
}

void RetainedEvents::release_up_to(std::uint64_t number) noexcept {
    while (first_ < events_.size() && events_[first_].event.number <= number) {
        first_byte_ = events_[first_].start + events_[first_].size;
        ++first_;
    }
    if (first_ == events_.size()) {
        events_.clear();
        bytes_.clear();
        first_ = 0;
        first_byte_ = 0;
    }
}

RetainedEvent RetainedEvents::at(std::size_t index) const noexcept {
    const Kept& kept = events_[first_ + index];
    RetainedEvent event = kept.event;
    event.selected = std::span(bytes_).subspan(kept.start, kept.size);
    return event;
}

void RetainedEvents::close_gap() {
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(first_));
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(first_byte_));
    for (Kept& kept : events_) {
        kept.start -= first_byte_;
    }
    first_ = 0;
    first_byte_ = 0;
}

}  // namespace tamis::streams
