// Where an event is: a preallocated open-addressing table from (run, event) to a number. Linear
// probing, removal by shifting back, never more than half full. Keys come from outside, so they are
// mixed with a secret of the process: nobody can prepare keys that all fall into one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tamis::streams {

struct EventKey {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    friend bool operator==(const EventKey&, const EventKey&) = default;
};

class EventTable {
 public:
    static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};

    // Holds at most `capacity` keys.
    EventTable(std::size_t capacity, std::uint64_t seed);
    [[nodiscard]] static std::uint64_t random_seed();

    [[nodiscard]] std::uint32_t find(const EventKey& key) const noexcept;  // or kAbsent
    // Adds the key or changes its value (any but kAbsent).
    void set(const EventKey& key, std::uint32_t value) noexcept;
    void erase(const EventKey& key) noexcept;
    void clear() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
    struct Cell {
        std::uint64_t event = 0;
        std::uint32_t run = 0;
        std::uint32_t value = kAbsent;  // absent: the cell is empty
    };
    [[nodiscard]] std::size_t home(std::uint32_t run, std::uint64_t event) const noexcept;
    // The key's cell, or the empty one where it would go.
    [[nodiscard]] std::size_t locate(const EventKey& key) const noexcept;

    std::vector<Cell> cells_;
    std::size_t mask_;
    std::size_t capacity_;
    std::uint64_t seed_;
    std::size_t size_ = 0;
};

}  // namespace tamis::streams
