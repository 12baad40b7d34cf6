#include "streams/reliable/link_session.hpp"

#include <gtest/gtest.h>

namespace tamis::streams {
namespace {

using Arrival = LinkSession::Arrival;

LinkSession begun(const LinkSession::Window& window) {
    LinkSession session(window);
    session.begin(1, 1, 0);
    return session;
}

TEST(LinkSession, acknowledges_no_more_than_every_message_reached) {
    LinkSession session = begun({.messages = 16, .bytes = 1000});
    for (const std::uint64_t number : {1, 2, 4}) {
        EXPECT_EQ(session.arrive(number, number * 10, 10), Arrival::fresh);
    }
    EXPECT_EQ(session.levels(), (LinkLevels{2, 0, 0})) << "3 is missing";
    session.settle(2, LinkLevel::durable, 10);
    EXPECT_EQ(session.levels(), (LinkLevels{2, 0, 0})) << "1 is not decided";
    session.settle(1, LinkLevel::decided, 10);
    EXPECT_EQ(session.levels(), (LinkLevels{2, 2, 0})) << "1 is not durable";
    session.settle(1, LinkLevel::durable, 10);
    EXPECT_EQ(session.levels(), (LinkLevels{2, 2, 2}));
    session.settle(4, LinkLevel::durable, 10);
    EXPECT_EQ(session.levels(), (LinkLevels{2, 2, 2})) << "3 has not come";
    EXPECT_EQ(session.arrive(3, 30, 10), Arrival::fresh);
    EXPECT_EQ(session.levels(), (LinkLevels{4, 2, 2}));
    session.settle(3, LinkLevel::durable, 10);
    EXPECT_EQ(session.levels(), (LinkLevels{4, 4, 4}));
}

TEST(LinkSession, knows_what_came_before) {
    LinkSession session = begun({.messages = 4, .bytes = 1000});
    EXPECT_EQ(session.arrive(2, 10, 10), Arrival::fresh);
    EXPECT_EQ(session.arrive(2, 10, 10), Arrival::duplicate);
    EXPECT_EQ(session.arrive(1, 0, 10), Arrival::fresh);
    EXPECT_EQ(session.arrive(1, 0, 10), Arrival::duplicate);
    EXPECT_EQ(session.arrive(1'000'000, 0, 10), Arrival::beyond);
}

TEST(LinkSession, names_each_gap) {
    LinkSession session = begun({.messages = 64, .bytes = 1000});
    for (const std::uint64_t number : {1, 2, 5, 6, 9}) {
        static_cast<void>(session.arrive(number, 0, 1));
    }
    const auto gap = [&](std::uint64_t from) { return session.first_gap(from, 12); };
    EXPECT_EQ(gap(1)->from, 3U);
    EXPECT_EQ(gap(1)->to, 4U);
    EXPECT_EQ(gap(5)->from, 7U);
    EXPECT_EQ(gap(5)->to, 8U);
    EXPECT_EQ(gap(9)->from, 10U);
    EXPECT_EQ(gap(9)->to, 11U) << "everything sent after the last that came";
    EXPECT_FALSE(gap(12).has_value());
}

TEST(LinkSession, grants_never_more_than_its_window) {
    LinkSession session = begun({.messages = 8, .bytes = 100});
    EXPECT_EQ(session.limit(), 8U);
    EXPECT_EQ(session.offset_limit(), 100U);
    static_cast<void>(session.arrive(1, 0, 30));
    EXPECT_EQ(session.limit(), 8U) << "one held, one fewer free";
    EXPECT_EQ(session.offset_limit(), 100U);
    static_cast<void>(session.arrive(4, 60, 10));
    EXPECT_EQ(session.limit(), 8U) << "two are missing: they will come and be held";
    EXPECT_EQ(session.offset_limit(), 100U);
    session.settle(4, LinkLevel::durable, 10);
    EXPECT_EQ(session.limit(), 9U) << "an oldest message that waits stops nobody";
    EXPECT_EQ(session.offset_limit(), 110U);
}

TEST(LinkSession, adapts_its_credit_to_the_service) {
    constexpr std::uint64_t kMs = 1'000'000;
    LinkSession session = begun({.messages = 4096, .bytes = 1 << 20, .target_ns = 20 * kMs});
    std::uint64_t number = 0;
    const auto serve = [&](int count) {
        for (int i = 0; i < count; ++i) {
            ++number;
            static_cast<void>(session.arrive(number, number, 1));
            session.settle(number, LinkLevel::durable, 1);
        }
    };
    session.adapt(10 * kMs);
    serve(1000);
    session.adapt(20 * kMs);
    EXPECT_EQ(session.credit(), 2000U) << "100 a millisecond for 20 ms";
    for (int interval = 3; interval < 40; ++interval) {
        serve(100);
        session.adapt(static_cast<std::uint64_t>(interval) * 10 * kMs);
    }
    EXPECT_NEAR(static_cast<double>(session.credit()), 200, 10) << "and down again, slowly";
    session.adapt(1'000'000 * kMs);
    EXPECT_NEAR(static_cast<double>(session.credit()), 200, 10) << "a pause says nothing";
}

}  // namespace
}  // namespace tamis::streams
