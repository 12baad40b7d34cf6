#include "streams/reliable/service_time.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kStepNs = 10'000;
constexpr std::uint64_t kAcknowledgedEveryNs = 4'000'000;

// A node that takes so long for each message and tells every 4 ms what has ended.
struct SimulatedNode {
    std::uint64_t each_ns = 0;
    ServiceTime service = {};
    std::size_t load = 0;  // as the dispatcher sees it: not acknowledged
    std::size_t ended = 0;
    std::uint64_t worked_ns = 0;  // for the next message
    std::uint64_t given = 0;

    void work(std::uint64_t ns) {
        worked_ns = load > ended ? worked_ns + ns : 0;
        for (; worked_ns >= each_ns && load > ended; worked_ns -= each_ns) {
            ++ended;
        }
    }
    void acknowledge(std::uint64_t now_ns) {
        load -= ended;
        if (ended > 0) {
            service.on_served(ended, load, now_ns);
        }
        ended = 0;
    }
};

// Deals out a message every `arrival_ns` for five seconds, but keeps no more than `most` under way.
void deal(std::vector<SimulatedNode>& nodes, std::uint64_t arrival_ns, std::size_t most) {
    const auto wait_ns = [](const SimulatedNode& node) {
        return node.service.expected_wait_ns(node.load);
    };
    std::uint64_t due_ns = 0;
    for (std::uint64_t now_ns = kStepNs; now_ns <= 5'000'000'000; now_ns += kStepNs) {
        for (SimulatedNode& node : nodes) {
            node.work(kStepNs);
            if (now_ns % kAcknowledgedEveryNs == 0) {
                node.acknowledge(now_ns);
            }
        }
        const auto load = [&] {
            std::size_t sum = 0;
            for (const SimulatedNode& node : nodes) {
                sum += node.load;
            }
            return sum;
        };
        for (; due_ns <= now_ns && load() < most; due_ns += arrival_ns) {
            SimulatedNode& node = *std::ranges::min_element(nodes, {}, wait_ns);
            ++node.load;
            ++node.given;
        }
        due_ns = std::max(due_ns, now_ns);  // what found no room waits at its source
    }
}

TEST(ServiceTime, makes_the_queue_of_a_slow_node_short_where_there_is_more_than_all_can_do) {
    std::vector<SimulatedNode> nodes{
        {.each_ns = 20'000}, {.each_ns = 20'000}, {.each_ns = 400'000}};
    deal(nodes, 5'000, 6000);
    const auto wait_ms = [](const SimulatedNode& node) {
        return static_cast<double>(node.load * node.each_ns) / 1e6;
    };
    EXPECT_NEAR(wait_ms(nodes[2]), wait_ms(nodes[0]), 0.25 * wait_ms(nodes[0]));
    EXPECT_NEAR(wait_ms(nodes[1]), wait_ms(nodes[0]), 0.25 * wait_ms(nodes[0]));
    EXPECT_LT(nodes[2].load * 12, nodes[0].load) << "a twentieth of the speed";
    EXPECT_GT(nodes[2].given, 10'000U) << "and it works all the time";
}

TEST(ServiceTime, shares_evenly_where_nobody_has_more_than_he_can_do) {
    std::vector<SimulatedNode> nodes{{.each_ns = 20'000}, {.each_ns = 20'000}};
    deal(nodes, 100'000, 6000);
    EXPECT_NEAR(static_cast<double>(nodes[0].given), static_cast<double>(nodes[1].given), 2500);
}

TEST(ServiceTime, lets_no_queue_grow_on_a_slow_node_where_the_others_can_do_its_part) {
    std::vector<SimulatedNode> nodes{{.each_ns = 20'000}, {.each_ns = 1'000'000}};
    deal(nodes, 40'000, 6000);
    EXPECT_LT(nodes[1].load, 110U) << "no more than comes between two acknowledgements";
    EXPECT_LT(nodes[0].load, 220U);
}

// What was slow for a while (a page of memory read back, another job on its cores) is believed
// again when it is fast.
TEST(ServiceTime, forgets_that_a_node_was_slow) {
    std::vector<SimulatedNode> nodes{{.each_ns = 20'000}, {.each_ns = 1'000'000}};
    deal(nodes, 5'000, 1000);
    ASSERT_LT(nodes[1].load * 5, nodes[0].load);
    nodes[1].each_ns = 20'000;
    for (SimulatedNode& node : nodes) {
        node.service.on_served(1, 0, 0);  // the clock of deal() starts anew
    }
    deal(nodes, 5'000, 1000);
    EXPECT_NEAR(static_cast<double>(nodes[1].load), static_cast<double>(nodes[0].load), 250);
}

}  // namespace
}  // namespace tamis::streams
