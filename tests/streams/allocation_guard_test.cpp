#include "tests/support/allocation_guard.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <new>

namespace tamis::tests {
namespace {

template <class Allocate>
std::size_t allocations_of(Allocate allocate) {
    const AllocationGuard guard;
    allocate();
    return guard.allocations();
}

// The compiler may leave out a pair of new and delete, but not calls of the functions themselves.
TEST(AllocationGuard, sees_every_form_of_new) {
    constexpr std::align_val_t kAlignment{64};
    EXPECT_EQ(allocations_of([] { operator delete(operator new(24)); }), 1U);
    EXPECT_EQ(allocations_of([] { operator delete[](operator new[](24)); }), 1U);
    EXPECT_EQ(allocations_of([] { operator delete(operator new(24, std::nothrow)); }), 1U);
    EXPECT_EQ(allocations_of([] { operator delete[](operator new[](24, std::nothrow)); }), 1U);
    EXPECT_EQ(allocations_of([] { operator delete(operator new(64, kAlignment), kAlignment); }),
              1U);
    EXPECT_EQ(allocations_of(
                  [] { operator delete(operator new(64, kAlignment, std::nothrow), kAlignment); }),
              1U);
}

}  // namespace
}  // namespace tamis::tests
