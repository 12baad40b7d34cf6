// One event builder of two sources with its pool, driven with messages; at the end of each test its
// books must close.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "streams/event_builder.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {

inline constexpr std::uint32_t kRun = 5;
inline constexpr std::uint32_t kA = 10;  // the two sources
inline constexpr std::uint32_t kB = 20;

inline EventBuilder::Config make_builder_config() {
    EventBuilder::Config config;
    config.sources = {kA, kB};
    config.run = kRun;
    config.window_ns = 1000;
    config.history_events = 4;
    config.limits.message_bytes = 1000;
    config.hash_seed = 1;
    return config;
}

class EventBuilderTest : public testing::Test {
 protected:
    void start(const EventBuilder::Config& config, EventPool::Config pool = {4, 2, 1 << 20}) {
        pool.sources = config.sources.size();
        pool_.emplace(pool);
        builder_.emplace(config, *pool_);
    }
    void send(const std::string& message, std::uint64_t arrival_ns = 0) {
        builder_->on_message(tests::as_bytes(message), arrival_ns);
    }
    void send(std::uint64_t event, std::uint32_t source, std::string_view payload = "p",
              std::uint64_t arrival_ns = 0) {
        send(tests::make_message(kRun, event, source, payload), arrival_ns);
    }
    const Event& take() {
        const auto index = builder_->next_closed();
        EXPECT_TRUE(index);
        taken_.push_back(index.value());
        return (*pool_)[*index];
    }
    void release_all() {
        for (const EventIndex index : taken_) {
            builder_->release(index);
        }
        taken_.clear();
    }
    void TearDown() override {
        EXPECT_EQ(builder_->fragments().imbalance(), 0);
        EXPECT_EQ(builder_->events().imbalance(), 0);
    }
    const FragmentCounters& fragments() { return builder_->fragments(); }
    const BuilderEventCounters& events() { return builder_->events(); }

    std::optional<EventPool> pool_;
    std::optional<EventBuilder> builder_;
    std::vector<EventIndex> taken_;
};

}  // namespace tamis::streams
