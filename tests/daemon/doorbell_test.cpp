#include "daemon/doorbell.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/idle_strategy.hpp"
#include "daemon/steady_time.hpp"

namespace tamis::daemon {
namespace {

bool is_rung(const Doorbell& bell) {
    pollfd waited{.fd = bell.descriptor(), .events = POLLIN, .revents = 0};
    return poll(&waited, 1, 0) == 1;
}

TEST(Doorbell, rings_only_for_a_sleeper_and_once) {
    Doorbell bell;
    bell.ring();
    EXPECT_FALSE(is_rung(bell)) << "nobody sleeps: no system call";
    bell.arm();
    bell.ring();
    bell.ring();
    EXPECT_TRUE(is_rung(bell));
    bell.disarm();
    EXPECT_FALSE(is_rung(bell));
    bell.ring();
    EXPECT_FALSE(is_rung(bell));
}

TEST(Doorbell, ends_a_sleep_long_before_its_limit) {
    Doorbell bell;
    bell.arm();
    bell.ring();
    const std::uint64_t begin_ns = steady_clock_ns();
    Idler::sleep({.bell = &bell, .limit_ns = 10'000'000'000});
    EXPECT_LT(steady_clock_ns() - begin_ns, 5'000'000'000U);
    bell.disarm();
}

TEST(Idler, says_whose_descriptor_ended_a_sleep) {
    const int input = eventfd(0, EFD_NONBLOCK);
    const int output = eventfd(0, EFD_NONBLOCK);
    const WaitPoint point{
        .input_descriptor = input, .output_descriptor = output, .limit_ns = 1'000'000};
    Wake wake = Idler::sleep(point);
    EXPECT_TRUE(wake.by_input && wake.by_output) << "its time was over";
    ASSERT_EQ(eventfd_write(output, 1), 0);
    wake = Idler::sleep(point);
    EXPECT_TRUE(wake.by_output);
    EXPECT_FALSE(wake.by_input);
    ASSERT_EQ(eventfd_write(input, 1), 0);
    wake = Idler::sleep(point);
    EXPECT_TRUE(wake.by_input && wake.by_output);
    close(input);
    close(output);
}

TEST(Idler, spins_and_yields_without_sleeping_and_parks_at_once) {
    Idler spin(config::IdleStrategy::spin);
    Idler yield(config::IdleStrategy::yield);
    Idler park(config::IdleStrategy::park);
    for (std::uint64_t now_ns = 5'000'000; now_ns < 5'020'000; now_ns += 500) {
        EXPECT_FALSE(spin.wants_sleep(now_ns));
        EXPECT_FALSE(yield.wants_sleep(now_ns));
        EXPECT_TRUE(park.wants_sleep(now_ns));
    }
}

}  // namespace
}  // namespace tamis::daemon
