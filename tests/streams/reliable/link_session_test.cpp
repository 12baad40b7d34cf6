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

TEST(LinkSession, names_what_is_durable_behind_what_is_not) {
    LinkSession session = begun({.messages = 16, .bytes = 1000});
    std::vector<std::byte> settled{std::byte{99}};
    session.encode_settled(settled);
    EXPECT_TRUE(settled.empty());
    for (std::uint64_t number = 1; number <= 12; ++number) {
        static_cast<void>(session.arrive(number, number * 10, 10));
    }
    for (const std::uint64_t number : {1, 3, 4, 12}) {
        session.settle(number, LinkLevel::durable, 10);
    }
    session.encode_settled(settled);  // from 2 on
    EXPECT_EQ(settled, (std::vector{std::byte{0b110}, std::byte{0b100}}));
    session.settle(2, LinkLevel::durable, 10);
    session.encode_settled(settled);  // from 5 on
    EXPECT_EQ(settled, std::vector{std::byte{0b1000'0000}});
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

TEST(LinkSession, has_a_window_for_each_source_of_its_sender) {
    LinkSession session = begun({.messages = 4, .bytes = 100});
    static_cast<void>(session.arrive(2, 10, 10));
    session.set_width(3);
    EXPECT_EQ(session.limit(), 12U);
    EXPECT_EQ(session.offset_limit(), 300U);
    EXPECT_EQ(session.arrive(2, 10, 10), Arrival::duplicate) << "what had come is known";
    session.set_width(1);
    EXPECT_EQ(session.limit(), 12U) << "what was granted stays so";
    EXPECT_EQ(session.arrive(90, 900, 10), Arrival::fresh);
    EXPECT_EQ(session.arrive(200, 2000, 10), Arrival::beyond);
}

}  // namespace
}  // namespace tamis::streams
