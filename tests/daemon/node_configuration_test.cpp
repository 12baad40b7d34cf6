// What a deployment says reaches the parts that must obey it.
#include "daemon/node_configuration.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace tamis::daemon {
namespace {

TEST(PipelineConfig, obeys_every_limit_of_the_input) {
    config::Deployment deployment;
    deployment.input.sources = {{4, "calorimeter"}, {9, "muons"}};
    deployment.input.run = 3;
    deployment.input.window_ms = 20;
    deployment.input.shortest_window_ms = 6;
    deployment.input.max_message_bytes = 1000;
    deployment.input.max_event_bytes = 5000;
    deployment.input.pool_events = 12;
    deployment.input.pool_bytes = 90'000;
    deployment.input.mask_after_events = 8;
    const Pipeline::Config config = pipeline_config(deployment);
    EXPECT_EQ(config.builder.sources, (std::vector<std::uint32_t>{4, 9}));
    EXPECT_EQ(config.builder.run, 3U);
    EXPECT_EQ(config.builder.window_ns, 20'000'000U);
    EXPECT_EQ(config.builder.shortest_window_ns, 6'000'000U);
    EXPECT_EQ(config.builder.limits.message_bytes, 1000U);
    EXPECT_EQ(config.builder.event_bytes, 5000U);
    EXPECT_EQ(config.builder.window_bytes, 45'000U);
    EXPECT_EQ(config.builder.mask_after_events, 8U);
    EXPECT_EQ(config.pool.events, 12U);
    EXPECT_EQ(config.pool.sources, 2U);
    EXPECT_EQ(config.pool.byte_budget, 90'000U);
}

}  // namespace
}  // namespace tamis::daemon
