// Counts what a thread allocates with operator new while the guard lives. To use it, link
// tamis_test_allocation (its operator new replaces that of the whole program):
//
//     warm_up();
//     const AllocationGuard guard;
//     hot_path();
//     EXPECT_EQ(guard.allocations(), 0U);
//
// Read the count before a GoogleTest macro prints something: a failing message allocates too.
// malloc called by a C library is not seen.
#pragma once

#include <cstddef>

namespace tamis::tests {

class AllocationGuard {
 public:
    AllocationGuard() noexcept;
    // Since construction, by this thread.
    [[nodiscard]] std::size_t allocations() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;

 private:
    std::size_t allocations_before_;
    std::size_t bytes_before_;
};

}  // namespace tamis::tests
