#include "streams/reliable/link_receiver.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace tamis::streams {
namespace {

std::vector<std::byte> encode(const LinkMessage& message) {
    std::vector<std::byte> bytes;
    encode_link_message(message, bytes);
    return bytes;
}

std::vector<std::byte> open_message(const std::string& name, std::uint64_t width) {
    return encode(OpenMessage{.epoch = 1, .first = 1, .next = 1, .width = width, .name = name});
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

class SessionOfADispatcher : public ::testing::Test {
 protected:
    void open(std::uint64_t epoch, std::uint64_t now_ns) {
        static_cast<void>(receiver_.on_message(
            1,
            encode(
                OpenMessage{.epoch = epoch, .first = 1, .next = 1, .reassigns = true, .name = "d"}),
            now_ns));
    }
    LinkReceiver::Receipt data(std::uint64_t number, std::uint64_t now_ns) {
        return receiver_.on_message(1, encode(DataMessage{number, 0, {}}), now_ns)->receipt;
    }

    static constexpr std::uint64_t kForgetNs = 1000;
    LinkReceiver receiver_{{.epoch = 5, .window = {.messages = 10}, .forget_ns = kForgetNs}};
};

TEST_F(SessionOfADispatcher, that_begins_anew_takes_its_messages_back) {
    open(1, 1);
    const auto receipt = data(1, 1);
    open(1, 2);
    EXPECT_FALSE(receiver_.next_taken_back().has_value()) << "a ping";
    open(2, 3);
    const auto taken = receiver_.next_taken_back();
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->session, receipt.session);
    EXPECT_EQ(taken->incarnation, receipt.incarnation);
    EXPECT_FALSE(receiver_.next_taken_back().has_value());
}

TEST_F(SessionOfADispatcher, holds_time_while_it_is_unheard_and_has_something_here) {
    open(1, 10);
    EXPECT_EQ(receiver_.heard_until(50), 50U) << "nothing of it is here";
    const auto receipt = data(1, 60);
    EXPECT_EQ(receiver_.heard_until(60), 60U);
    EXPECT_EQ(receiver_.heard_until(100), 60U);
    EXPECT_EQ(receiver_.heard_until(60 + kForgetNs + 1), 60 + kForgetNs + 1) << "gone for good";
    open(1, 120);
    EXPECT_EQ(receiver_.heard_until(130), 120U);
    receiver_.settle(receipt, LinkLevel::durable);
    EXPECT_EQ(receiver_.heard_until(140), 140U);
}

}  // namespace
}  // namespace tamis::streams
