#include "link_world.hpp"

#include <gtest/gtest.h>

namespace tamis::tests {
namespace {

// Runs worlds of consecutive seeds; the failing seed is printed.
void run(const LinkFaults& faults, std::uint64_t seeds, int steps) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        LinkWorld world(seed, faults, 1 + seed % 4);
        for (int step = 0; step < steps && world.broken().empty(); ++step) {
            world.step(true);
        }
        const bool has_drained = world.drain();
        ASSERT_EQ(world.broken(), "");
        ASSERT_TRUE(has_drained) << "something was never acknowledged";
        ASSERT_GT(world.delivered(), 0U);
        ASSERT_GT(world.settled_ahead(), 0U);
    }
}

TEST(ReliableLink, works_without_faults) { run({}, 10, 300); }

TEST(ReliableLink, survives_loss_doubling_and_overtaking) {
    run({.lose = 0.1, .duplicate = 0.1, .delay = 0.2}, 25, 200);
}

TEST(ReliableLink, survives_cut_connections) { run({.lose = 0.02, .cut = 0.02}, 25, 200); }

TEST(ReliableLink, survives_the_death_of_either_end) {
    run({.lose = 0.02, .cut = 0.01, .kill_sender = 0.004, .kill_receiver = 0.01}, 25, 300);
}

TEST(ReliableLink, survives_everything_at_once) {
    run({.lose = 0.2,
         .duplicate = 0.3,
         .flip = 0.05,
         .delay = 0.3,
         .cut = 0.01,
         .kill_sender = 0.003,
         .kill_receiver = 0.005},
        40, 300);
}

TEST(ReliableLink, counts_every_damaged_message) {
    LinkWorld world(1, {.flip = 0.02}, 1);
    for (int step = 0; step < 500; ++step) {
        world.step(true);
    }
    ASSERT_TRUE(world.drain());
    EXPECT_GT(world.damaged(), 10U);
    EXPECT_LE(world.damaged(), world.flipped()) << "the others hit answers";
}

}  // namespace
}  // namespace tamis::tests
