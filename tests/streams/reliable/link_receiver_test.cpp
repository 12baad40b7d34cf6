#include "streams/reliable/link_receiver.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace tamis::streams {
namespace {

std::vector<std::byte> open_message(const std::string& name, std::uint64_t width) {
    std::vector<std::byte> bytes;
    encode_link_message(
        OpenMessage{
            .epoch = 1, .first = 1, .first_offset = 0, .next = 1, .width = width, .name = name},
        bytes);
    return bytes;
}

// A stranger may say anything: memory and credit stay within what the receiver was made for.
TEST(LinkReceiver, grants_no_more_windows_than_it_has_sources) {
    LinkReceiver receiver({.epoch = 5, .window = {.messages = 10, .bytes = 1000}, .widest = 3});
    static_cast<void>(receiver.on_message(1, open_message("a", 1000), 1));
    EXPECT_EQ(receiver.senders(1).at(0).room, 30U);
    const auto reply = receiver.next_reply(1);
    ASSERT_TRUE(reply.has_value());
    const auto grant = std::get<GrantMessage>(*decode_link_message(reply->message));
    EXPECT_EQ(grant.limit, 30U);
    EXPECT_EQ(grant.offset_limit, 3000U);
}

TEST(LinkReceiver, refuses_more_senders_than_it_has_room_for_until_one_has_left) {
    constexpr std::uint64_t kLongAfterNs = 100'000'000'000;
    LinkReceiver receiver({.epoch = 5, .window = {.messages = 10, .bytes = 1000}, .senders = 2});
    static_cast<void>(receiver.on_message(1, open_message("a", 1), 1));
    static_cast<void>(receiver.on_message(2, open_message("b", 1), 1));
    static_cast<void>(receiver.on_message(3, open_message("c", 1), 2));
    EXPECT_EQ(receiver.counters().refused, 1U);
    static_cast<void>(receiver.on_message(2, open_message("b", 1), kLongAfterNs));
    static_cast<void>(receiver.on_message(3, open_message("c", 1), kLongAfterNs));
    EXPECT_EQ(receiver.counters().refused, 1U) << "the place of a, unheard for long";
    EXPECT_EQ(receiver.senders(kLongAfterNs).at(0).name, "c");
}

}  // namespace
}  // namespace tamis::streams
