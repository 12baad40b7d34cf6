#include "streams/event_pool.hpp"

#include <algorithm>
#include <bit>
#include <gsl/assert>

namespace tamis::streams {
namespace {

// Buffer sizes in steps of a quarter of a power of two: payloads that vary a little do not make a
// buffer grow again and again, and at most a quarter is wasted.
std::size_t rounded_capacity(std::size_t bytes) noexcept {
    constexpr std::size_t kSmallest = 256;
    if (bytes <= kSmallest) {
        return kSmallest;
    }
    const std::size_t step = std::bit_floor(bytes - 1) / 4;
    return (bytes + step - 1) / step * step;
}

}  // namespace

EventPool::EventPool(const Config& config)
    : source_count_(config.sources), byte_budget_(config.byte_budget) {
    Expects(config.events >= 1 && config.events <= std::size_t{1} << 20U);
    Expects(config.sources >= 1 && config.sources <= kMaxSources);
    slots_.resize(config.events);
    slot_bytes_.resize(config.events, 0);
    free_.reserve(config.events);
    for (std::size_t i = config.events; i-- > 0;) {
        slots_[i].fragments.resize(config.sources);
        free_.push_back(static_cast<EventIndex>(i));
    }
}

std::optional<EventIndex> EventPool::acquire(std::size_t first_bytes) noexcept {
    if (free_.empty()) {
        return std::nullopt;
    }
    const EventIndex index = free_.back();
    free_.pop_back();
    if (slot_bytes_[index] + first_bytes > free_bytes()) {
        drop_buffers(index);
    }
    bytes_in_use_ += slot_bytes_[index];
    Event& event = slots_[index];
    event.state = EventState::open;
    event.sources_seen = 0;
    event.payload_bytes = 0;
    return index;
}

void EventPool::release(EventIndex index) noexcept {
    Expects(index < slots_.size() && free_.size() < slots_.size());
    bytes_in_use_ -= slot_bytes_[index];
    free_.push_back(index);
}

bool EventPool::store(EventIndex index, SourceIndex source, const Fragment& fragment) noexcept {
    Event& event = slots_[index];
    Expects(source < source_count_ && !event.has(source));
    EventFragment& place = event.fragments[source];
    if (place.payload.capacity() < fragment.payload.size() &&
        !grow(index, place.payload, fragment.payload.size())) {
        return false;
    }
    place.source = fragment.source;
    place.timestamp_ns = fragment.timestamp_ns;
    place.sequence = fragment.sequence;
    place.payload_type = fragment.payload_type;
    place.crc32c = fragment.crc32c;
    place.payload.assign(fragment.payload.begin(), fragment.payload.end());
    event.sources_seen |= std::uint64_t{1} << source;
    event.payload_bytes += fragment.payload.size();
    return true;
}

bool EventPool::grow(EventIndex index, std::vector<std::byte>& buffer, std::size_t bytes) noexcept {
    const std::size_t before = buffer.capacity();
    // Near the budget a buffer grows to just what is needed.
    std::size_t wanted = rounded_capacity(bytes);
    if (wanted - before > free_bytes()) {
        wanted = bytes;
    }
    if (wanted - before > free_bytes()) {
        return false;
    }
    if (held_bytes_ + (wanted - before) > byte_budget_) {
        trim_free_slots(held_bytes_ + (wanted - before) - byte_budget_);
    }
    buffer.clear();
    buffer.shrink_to_fit();  // never the old and the new buffer at once
    buffer.reserve(wanted);
    const std::size_t added = buffer.capacity() - before;
    slot_bytes_[index] += added;
    held_bytes_ += added;
    bytes_in_use_ += added;
    return true;
}

void EventPool::trim_free_slots(std::size_t wanted_bytes) noexcept {
    std::size_t freed = 0;
    for (const EventIndex index : free_) {  // from the coldest
        if (freed >= wanted_bytes) {
            return;
        }
        freed += slot_bytes_[index];
        drop_buffers(index);
    }
}

void EventPool::drop_buffers(EventIndex index) noexcept {
    for (EventFragment& fragment : slots_[index].fragments) {
        fragment.payload = {};
    }
    held_bytes_ -= slot_bytes_[index];
    slot_bytes_[index] = 0;
}

}  // namespace tamis::streams
