#include "engine/memory_plan.hpp"

#include <algorithm>

namespace tamis::engine {

namespace {

bool overlap(const Lifetime& a, const Lifetime& b) {
    return a.first <= b.last && b.first <= a.last;
}

}  // namespace

std::size_t MemoryPlan::place(const Lifetime& lifetime, std::size_t size) {
    std::size_t offset = 0;
    for (const Placed& other : placed_) {
        if (!overlap(other.lifetime, lifetime)) continue;
        if (offset + size <= other.begin) break;
        offset = std::max(offset, other.end);
    }
    const auto behind = std::ranges::upper_bound(placed_, offset, {}, &Placed::begin);
    placed_.insert(behind, {offset, offset + size, lifetime});
    size_ = std::max(size_, offset + size);
    return offset;
}

}  // namespace tamis::engine
