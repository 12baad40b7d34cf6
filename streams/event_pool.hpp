// The memory of all events in flight: a fixed number of slots and a budget in bytes. Indices travel
// between threads; the pool itself belongs to the builder's thread. Slots keep their buffers, so
// that after warm-up nothing is allocated; what all buffers hold together never exceeds the budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "streams/event.hpp"

namespace tamis::streams {

using EventIndex = std::uint32_t;  // of a slot

class EventPool {
 public:
    struct Config {
        std::size_t events = 1024;                         // slots, 1 .. 2^20
        std::size_t sources = 1;                           // fragments of an event, 1 .. 64
        std::size_t byte_budget = std::size_t{256} << 20;  // of all payload buffers
    };

    explicit EventPool(const Config& config);
    EventPool(const EventPool&) = delete;
    EventPool& operator=(const EventPool&) = delete;

    // A slot with no fragments, or nothing when all are taken. A first payload of first_bytes is
    // certain to fit it if free_bytes() said so: the buffers of the slot's past give way.
    [[nodiscard]] std::optional<EventIndex> acquire(std::size_t first_bytes) noexcept;
    // The slot is free again; its buffers stay until the budget needs them.
    void release(EventIndex index) noexcept;

    // Copies a fragment into its place; false (and nothing changed) when it does not fit the
    // budget. The place must be empty.
    [[nodiscard]] bool store(EventIndex index, SourceIndex source,
                             const Fragment& fragment) noexcept;

    // A worker may read the event of an index that was handed to it.
    [[nodiscard]] Event& operator[](EventIndex index) noexcept { return slots_[index]; }
    [[nodiscard]] const Event& operator[](EventIndex index) const noexcept { return slots_[index]; }

    [[nodiscard]] std::size_t slot_count() const noexcept { return slots_.size(); }
    [[nodiscard]] std::size_t byte_budget() const noexcept { return byte_budget_; }
    [[nodiscard]] std::size_t source_count() const noexcept { return source_count_; }
    [[nodiscard]] std::size_t free_count() const noexcept { return free_.size(); }
    // A payload of as many bytes is certain to fit, in any slot.
    [[nodiscard]] std::size_t free_bytes() const noexcept { return byte_budget_ - bytes_in_use_; }
    // Bytes of all buffers, of free slots too; at most the budget.
    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

 private:
    bool grow(EventIndex index, std::vector<std::byte>& buffer, std::size_t bytes) noexcept;
    void trim_free_slots(std::size_t wanted_bytes) noexcept;
    void drop_buffers(EventIndex index) noexcept;

    std::size_t source_count_;
    std::size_t byte_budget_;
    std::vector<Event> slots_;
    std::vector<EventIndex> free_;         // a stack: what was used last is used next, still warm
    std::vector<std::size_t> slot_bytes_;  // capacity of a slot's buffers
    std::size_t held_bytes_ = 0;           // sum of slot_bytes_
    std::size_t bytes_in_use_ = 0;         // the part of it in slots that are not free
};

}  // namespace tamis::streams
