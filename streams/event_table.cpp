#include "streams/event_table.hpp"

#include <algorithm>
#include <bit>
#include <gsl/assert>
#include <random>

namespace tamis::streams {
namespace {

__extension__ using Uint128 = unsigned __int128;

// Multiply to twice the width and fold: every bit of both inputs reaches every bit of the result.
std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) noexcept {
    const Uint128 product = static_cast<Uint128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace

EventTable::EventTable(std::size_t capacity, std::uint64_t seed)
    : cells_(std::bit_ceil(2 * capacity)),
      mask_(cells_.size() - 1),
      capacity_(capacity),
      seed_(seed) {
    Expects(capacity >= 1);
}

std::uint64_t EventTable::random_seed() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32U | device();
}

std::size_t EventTable::home(std::uint32_t run, std::uint64_t event) const noexcept {
    // Two odd constants (the golden ratio, and the square root of two, times 2^63 or 2^64) keep a
    // seed of zero from folding to zero.
    const std::uint64_t inner = fold_product(event ^ seed_, 0x9e3779b97f4a7c15U ^ run);
    return fold_product(inner ^ std::rotl(seed_, 32), 0xb504f333f9de6485U) & mask_;
}

std::size_t EventTable::locate(const EventKey& key) const noexcept {
    std::size_t at = home(key.run, key.event);
    while (cells_[at].value != kAbsent &&
           (cells_[at].event != key.event || cells_[at].run != key.run)) {
        at = (at + 1) & mask_;
    }
    return at;
}

std::uint32_t EventTable::find(const EventKey& key) const noexcept {
    return cells_[locate(key)].value;
}

void EventTable::set(const EventKey& key, std::uint32_t value) noexcept {
    Expects(value != kAbsent);
    Cell& cell = cells_[locate(key)];
    if (cell.value == kAbsent) {
        Expects(size_ < capacity_);
        ++size_;
    }
    cell = {key.event, key.run, value};
}

void EventTable::erase(const EventKey& key) noexcept {
    std::size_t hole = locate(key);
    if (cells_[hole].value == kAbsent) {
        return;
    }
    --size_;
    // Shift back every follower that a search would no longer reach over the hole.
    for (std::size_t at = (hole + 1) & mask_; cells_[at].value != kAbsent; at = (at + 1) & mask_) {
        const std::size_t distance = (at - home(cells_[at].run, cells_[at].event)) & mask_;
        if (distance >= ((at - hole) & mask_)) {
            cells_[hole] = cells_[at];
            hole = at;
        }
    }
    cells_[hole] = {};
}

void EventTable::clear() noexcept {
    std::ranges::fill(cells_, Cell{});
    size_ = 0;
}

}  // namespace tamis::streams
