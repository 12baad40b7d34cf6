#include "streams/reliable/event_dispatcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "streams/fragment.hpp"

namespace tamis::streams {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count());
}

// A node that holds what it gets until the test lets it go.
struct FakeNode final : MessageSink {
    Hold on_message(std::span<const std::byte> message, std::uint64_t) noexcept override {
        events.push_back(FragmentDecoder().decode(message)->event);
        return next_hold++;
    }
    void on_refused(std::uint64_t) noexcept override {}
    bool on_taken_back(Hold hold) noexcept override {
        taken_back.insert(hold);
        return true;
    }
    void settle(Hold count) {
        for (; count > 0 && settled < next_hold; ++settled, --count) {
            input->settle(settled, LinkLevel::durable);
        }
    }
    void settle_all() { settle(next_hold); }

    std::unique_ptr<ReliableInput> input;
    bool stands_still = false;
    std::vector<std::uint64_t> events;
    std::set<Hold> taken_back;
    Hold next_hold = 0;
    Hold settled = 0;
};

class Dispatcher : public ::testing::Test {
 protected:
    static constexpr std::size_t kWindow = 40;

    explicit Dispatcher(std::size_t window = kWindow)
        : dispatcher_(
              context_,
              {.name = "dispatch",
               .grace_ns = 50'000'000,
               .stall_ns = 100'000'000,
               .window_messages = window,
               .remembered_events = 20'000,
               .message_bytes = 1000,
               .options = {}},
              {.on_safe = [this](Hold hold) { ++safe_[hold]; },
               .on_reassigned = [this](const EventKey& key, const std::string&,
                                       const std::string&) { reassigned_.insert(key.event); }}) {}

    FakeNode& start_node() {
        LinkConfig config;
        config.endpoint = "tcp://127.0.0.1:*";
        auto node = std::make_unique<FakeNode>();
        node->input = *ReliableInput::make(context_, config, {});
        EXPECT_TRUE(dispatcher_.add_node(node->input->bound_endpoint()).has_value());
        nodes_.push_back(std::move(node));
        return *nodes_.back();
    }
    template <class Condition>
    bool turn_until(Condition done) {
        const auto end = steady_clock::now() + seconds(20);
        while (!done() && steady_clock::now() < end) {
            dispatcher_.poll(now_ns());
            for (const auto& node : nodes_) {
                if (node->input && !node->stands_still) {
                    node->input->poll(*node, now_ns(), 100);
                }
            }
        }
        return done();
    }
    void send(std::uint64_t event, std::uint32_t source = 1) {
        ASSERT_TRUE(turn_until([&] { return dispatcher_.is_ready(); }));
        std::string message;
        encode_fragment({.run = 1, .event = event, .source = source, .crc32c = {}, .payload = {}},
                        Checksum::computed, message);
        EXPECT_NE(dispatcher_.on_message(std::as_bytes(std::span(message)), now_ns()), kNoHold);
    }

    // Which has got events 1 .. count.
    FakeNode& start_node_with(std::uint64_t count) {
        FakeNode& node = start_node();
        for (std::uint64_t event = 1; event <= count; ++event) {
            send(event);
        }
        EXPECT_TRUE(turn_until([&] { return node.events.size() == count; }));
        return node;
    }

    LinkContext context_;
    std::map<Hold, int> safe_;
    std::set<std::uint64_t> reassigned_;
    EventDispatcher dispatcher_;
    std::vector<std::unique_ptr<FakeNode>> nodes_;
};

TEST_F(Dispatcher, keeps_an_event_together_and_shares_events_evenly) {
    FakeNode& one = start_node();
    FakeNode& two = start_node();
    ASSERT_TRUE(turn_until(
        [&] { return dispatcher_.nodes()[0].is_there && dispatcher_.nodes()[1].is_there; }));
    for (std::uint64_t event = 1; event <= 10; ++event) {
        send(event, 1);
        send(event, 2);
    }
    ASSERT_TRUE(turn_until([&] { return one.events.size() + two.events.size() == 20; }));
    EXPECT_EQ(one.events.size(), 10U);
    for (const FakeNode* node : {&one, &two}) {
        for (const std::uint64_t event : node->events) {
            EXPECT_EQ(std::ranges::count(node->events, event), 2);
        }
    }
    one.settle_all();
    two.settle_all();
    EXPECT_TRUE(turn_until([&] { return safe_.size() == 20; }));
}

class BusyDispatcher : public Dispatcher {
 protected:
    BusyDispatcher() : Dispatcher(4000) {}
};

TEST_F(BusyDispatcher, gives_a_slow_node_a_short_queue) {
    FakeNode& fast = start_node();
    FakeNode& slow = start_node();
    ASSERT_TRUE(turn_until(
        [&] { return dispatcher_.nodes()[0].is_there && dispatcher_.nodes()[1].is_there; }));
    std::uint64_t event = 0;
    std::size_t turns = 0;
    std::size_t queue_of_fast = 0;
    std::size_t queue_of_slow = 0;
    ASSERT_TRUE(turn_until([&] {
        for (int i = 0; i < 4 && dispatcher_.is_ready(); ++i) {
            send(++event);
        }
        fast.settle(2);
        slow.settle(++turns % 10 == 0 ? 1 : 0);
        if (event > 10'000) {
            queue_of_fast += dispatcher_.nodes()[0].unacknowledged;
            queue_of_slow += dispatcher_.nodes()[1].unacknowledged;
        }
        return event >= 15'000;
    }));
    EXPECT_LT(queue_of_slow * 3, queue_of_fast) << "over " << turns << " turns";
}

// More than the others have room for: it waits, and nothing is lost.
TEST_F(Dispatcher, moves_what_a_dead_node_had_as_the_others_have_room) {
    FakeNode& dying = start_node_with(30);
    FakeNode& other = start_node();
    ASSERT_TRUE(turn_until([&] { return dispatcher_.nodes()[1].is_there; }));
    for (std::uint64_t event = 31; event <= 50; ++event) {
        send(event);
    }
    ASSERT_TRUE(turn_until([&] { return other.events.size() == 20; }));
    dying.input.reset();
    ASSERT_TRUE(turn_until([&] { return other.events.size() == kWindow; }));
    EXPECT_EQ(reassigned_.size(), 30U);
    EXPECT_FALSE(dispatcher_.is_ready()) << "nothing new before what is on its way";
    EXPECT_EQ(dispatcher_.unacknowledged(), 50U);
    other.settle_all();
    ASSERT_TRUE(turn_until([&] { return other.events.size() == 50; }));
    other.settle_all();
    ASSERT_TRUE(turn_until([&] { return safe_.size() == 50; }));
    for (const auto& [hold, times] : safe_) {
        EXPECT_EQ(times, 1);
    }
    EXPECT_EQ(std::set(other.events.begin(), other.events.end()).size(), 50U);
    EXPECT_EQ(dispatcher_.unacknowledged(), 0U);
}

// One fragment acknowledged: the event has ended there, and its others go nowhere else.
TEST_F(Dispatcher, gives_no_rest_of_an_ended_event_to_another_node) {
    FakeNode& dying = start_node();
    send(1, 1);
    send(2, 1);
    send(1, 2);
    ASSERT_TRUE(turn_until([&] { return dying.events.size() == 3; }));
    dying.input->settle(0, LinkLevel::durable);  // of event 1, whose second fragment is behind 2
    ASSERT_TRUE(turn_until([&] { return safe_.size() == 1; }));
    FakeNode& other = start_node();
    ASSERT_TRUE(turn_until([&] { return dispatcher_.nodes()[1].is_there; }));
    dying.input.reset();
    ASSERT_TRUE(turn_until([&] { return other.events.size() == 1 && safe_.size() == 2; }));
    EXPECT_EQ(other.events[0], 2U);
    EXPECT_EQ(reassigned_, std::set<std::uint64_t>{2});
}

// What is safe behind a fragment whose event is not whole: the source that this one waits for may
// have no room left until it hears of that.
TEST_F(Dispatcher, hears_of_every_fragment_that_is_safe_in_any_order) {
    FakeNode& node = start_node_with(3);
    node.input->settle(1, LinkLevel::durable);
    node.input->settle(2, LinkLevel::durable);
    ASSERT_TRUE(turn_until([&] { return safe_.size() == 2; }));
    EXPECT_FALSE(safe_.contains(0));
    EXPECT_EQ(dispatcher_.unacknowledged(), 1U);

    FakeNode& other = start_node();
    ASSERT_TRUE(turn_until([&] { return dispatcher_.nodes()[1].is_there; }));
    node.input.reset();
    ASSERT_TRUE(turn_until([&] { return other.events.size() == 1; }));
    EXPECT_EQ(other.events[0], 1U) << "what is safe is not given away";
    EXPECT_EQ(reassigned_, std::set<std::uint64_t>{1});
    other.settle_all();
    ASSERT_TRUE(turn_until([&] { return safe_.size() == 3; }));
    for (const auto& [hold, times] : safe_) {
        EXPECT_EQ(times, 1);
    }
}

TEST_F(Dispatcher, takes_back_what_a_node_has_that_stands_still_for_long) {
    FakeNode& still = start_node_with(3);
    still.input->settle(1, LinkLevel::durable);
    ASSERT_TRUE(turn_until([&] { return safe_.size() == 1; }));
    FakeNode& other = start_node();
    ASSERT_TRUE(turn_until([&] { return dispatcher_.nodes()[1].is_there; }));
    still.stands_still = true;
    ASSERT_TRUE(turn_until([&] { return other.events.size() == 2; }));
    EXPECT_EQ(reassigned_, (std::set<std::uint64_t>{1, 3}));
    EXPECT_TRUE(still.taken_back.empty());
    still.stands_still = false;  // what it has of them is of no use any more
    ASSERT_TRUE(turn_until([&] { return still.taken_back.size() == 2; }));
    EXPECT_EQ(still.taken_back, (std::set<Hold>{0, 2}));
    ASSERT_TRUE(turn_until([&] { return dispatcher_.nodes()[0].is_there; }));
    send(4);
    ASSERT_TRUE(turn_until([&] { return still.events.size() == 4; }));
    still.input->settle(3, LinkLevel::durable);
    other.settle_all();
    ASSERT_TRUE(turn_until([&] { return safe_.size() == 4; }));
}

}  // namespace
}  // namespace tamis::streams
