// The event path allocates nothing after warm-up (design 4).
#include <gtest/gtest.h>

#include "daemon/pipeline.hpp"
#include "tests/daemon/small_node.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::daemon {
namespace {

TEST(Pipeline, allocates_nothing_after_warm_up) {
    const tests::SumModel model;
    const TriggerMenu menu = tests::compile(
        tests::small_menu({tests::sum_path("high", 5), tests::sum_path("rare", 1, 3)}), model);
    std::vector<std::string> messages;
    for (std::uint64_t number = 1; number <= 4000; ++number) {
        messages.push_back(
            tests::sum_fragment(1, number, 1, {static_cast<float>(number % 10), 0.5F}));
        if (number % 10 != 0) {
            messages.push_back(tests::raw_fragment(1, number, 2, "tracks"));
        }
        if (number % 7 == 0) {
            messages.emplace_back("garbage");
        }
        if (number % 11 == 0) {
            messages.push_back(tests::raw_fragment(1, number, 1, "another payload"));
        }
    }
    tests::MemoryInput input(std::move(messages));
    tests::MemoryOutput output;
    Pipeline::Config config = tests::small_config(2, 8);
    Pipeline pipeline(
        config,
        {.menu = menu,
         .input = input,
         .outputs = {{.name = "out", .output = &output, .streams = ~streams::StreamMask{0}}}});
    // Warm: every slot of the pool has been through every buffer it will need.
    while (input.left() > 2000) {
        pipeline.turn(tests::test_clock);
    }
    const std::uint64_t before = output.taken;
    const tests::AllocationGuard guard;
    while (!pipeline.is_finished()) {
        pipeline.turn(tests::test_clock);
    }
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(allocations, 0U);
    EXPECT_GT(output.taken, before + 500);
}

}  // namespace
}  // namespace tamis::daemon
