#include "streams/reliable/message_ring.hpp"

#include <gsl/assert>

namespace tamis::streams {

MessageRing::MessageRing(std::size_t messages, std::size_t bytes)
    : capacity_(bytes),
      block_(std::make_unique_for_overwrite<std::byte[]>(bytes)),
      places_(messages) {
    Expects(messages >= 1 && bytes >= 1);
}

std::size_t MessageRing::begin_of_next(std::size_t bytes) const noexcept {
    if (count_ == 0) {
        return bytes <= capacity_ ? 0 : capacity_;
    }
    const Place& first = places_[first_];
    const Place& last = places_[(first_ + count_ - 1) % places_.size()];
    const std::size_t end = last.begin + last.bytes;
    if (last.begin < first.begin) {  // wrapped: free between the two
        return first.begin - end >= bytes ? end : capacity_;
    }
    if (capacity_ - end >= bytes) {
        return end;
    }
    return first.begin >= bytes ? 0 : capacity_;
}

bool MessageRing::has_room(std::size_t bytes) const noexcept {
    Expects(bytes >= 1);
    return count_ < places_.size() && begin_of_next(bytes) != capacity_;
}

std::span<std::byte> MessageRing::append(std::size_t bytes) noexcept {
    Expects(has_room(bytes));
    const Place place{begin_of_next(bytes), bytes};
    places_[(first_ + count_) % places_.size()] = place;
    ++count_;
    return {block_.get() + place.begin, place.bytes};
}

void MessageRing::drop_first() noexcept {
    Expects(count_ > 0);
    first_ = (first_ + 1) % places_.size();
    --count_;
}

std::span<const std::byte> MessageRing::operator[](std::size_t position) const noexcept {
    Expects(position < count_);
    const Place& place = places_[(first_ + position) % places_.size()];
    return {block_.get() + place.begin, place.bytes};
}

}  // namespace tamis::streams
