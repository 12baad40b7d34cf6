// Where values that live for a while lie in one piece of memory. Pure arithmetic, in any unit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tamis::engine {

// Steps, both included; as it stands, none.
struct Lifetime {
    std::size_t first = SIZE_MAX;
    std::size_t last = 0;
};

class MemoryPlan {
 public:
    // The lowest offset from which on so much is free all that time; taken from now on.
    std::size_t place(const Lifetime& lifetime, std::size_t size);
    // Of all that has been placed.
    [[nodiscard]] std::size_t size() const { return size_; }

 private:
    struct Placed {
        std::size_t begin;
        std::size_t end;
        Lifetime lifetime;
    };
    std::vector<Placed> placed_;  // by begin
    std::size_t size_ = 0;
};

}  // namespace tamis::engine
