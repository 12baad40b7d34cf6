#include "daemon/stage_thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <optional>
#include <thread>

namespace tamis::daemon {
namespace {

constexpr int kUnknown = -1;

int policy_of_this_thread() {
    int policy = kUnknown;
    sched_param priority{};
    pthread_getschedparam(pthread_self(), &policy, &priority);
    return policy;
}

class PolicyStage final : public Stage {
 public:
    std::size_t poll(std::uint64_t /*now_ns*/) noexcept override {
        policy_ = policy_of_this_thread();
        policy_.notify_one();
        return 0;
    }
    [[nodiscard]] WaitPoint wait_point() const noexcept override { return {.limit_ns = 1'000'000}; }
    [[nodiscard]] int policy() const {
        policy_.wait(kUnknown);
        return policy_;
    }

 private:
    std::atomic<int> policy_ = kUnknown;
};

int policy_of_stage(config::Waking waking) {
    PolicyStage stage;
    const StageThread thread({.name = "stage", .cpu = std::nullopt, .waking = waking}, stage);
    return stage.policy();
}

TEST(StageThread, gives_way_when_woken_or_interrupts) {
    EXPECT_EQ(policy_of_stage(config::Waking::give_way), SCHED_BATCH);
    EXPECT_EQ(policy_of_stage(config::Waking::interrupt), SCHED_OTHER);
}

// Who starts the node under a policy of real time means it. SCHED_IDLE stands for it here: any user
// may take that one.
TEST(StageThread, keeps_a_policy_that_it_was_given) {
    std::thread([] {
        const sched_param priority{.sched_priority = 0};
        ASSERT_EQ(pthread_setschedparam(pthread_self(), SCHED_IDLE, &priority), 0);
        EXPECT_EQ(policy_of_stage(config::Waking::give_way), SCHED_IDLE);
    }).join();
}

}  // namespace
}  // namespace tamis::daemon
