#include "streams/reliable/reliable_link.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <set>
#include <string>
#include <thread>

namespace tamis::streams {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

// Holds what `held` says and remembers everything.
struct Sink final : MessageSink {
    Hold on_message(std::span<const std::byte> message, std::uint64_t) noexcept override {
        messages.emplace_back(reinterpret_cast<const char*>(message.data()), message.size());
        return holds ? next_hold++ : kNoHold;
    }
    void on_refused(std::uint64_t) noexcept override { ++refused; }

    std::vector<std::string> messages;
    std::size_t refused = 0;
    bool holds = false;
    Hold next_hold = 0;
};

class ReliableSockets : public ::testing::Test {
 protected:
    void open_input(const std::string& endpoint = "tcp://127.0.0.1:*") {
        LinkConfig config;
        config.endpoint = endpoint;
        auto made = ReliableInput::make(context_, config, {});
        ASSERT_TRUE(made.has_value()) << made.error();
        input_ = *std::move(made);
    }
    void open_output(const std::string& name) {
        LinkConfig config;
        config.endpoint = input_->bound_endpoint();
        config.attachment = Attachment::connect;
        auto made = ReliableOutput::make(context_, config, {.name = name});
        ASSERT_TRUE(made.has_value()) << made.error();
        outputs_.push_back(*std::move(made));
    }
    // Turns both ends until `done`, for 20 s at most.
    template <class Condition>
    bool turn_until(Condition done) {
        const auto end = std::chrono::steady_clock::now() + seconds(20);
        while (!done() && std::chrono::steady_clock::now() < end) {
            if (input_) {
                input_->poll(sink_, now_ns(), 100);
            }
            for (const auto& output : outputs_) {
                output->poll(now_ns());
            }
        }
        return done();
    }
    void send(std::size_t output, const std::string& text) {
        ASSERT_EQ(outputs_[output]->send(bytes_of(text), 0, now_ns()), SendResult::delivered);
    }

    LinkContext context_;
    std::unique_ptr<ReliableInput> input_;
    std::vector<std::unique_ptr<ReliableOutput>> outputs_;
    Sink sink_;
};

TEST_F(ReliableSockets, carry_every_message_once) {
    open_input();
    open_output("a");
    open_output("b");
    for (int i = 0; i < 2000; ++i) {
        send(0, "a" + std::to_string(i));
        send(1, "b" + std::to_string(i));
    }
    EXPECT_TRUE(turn_until([&] {
        return outputs_[0]->durable_count() == 2000 && outputs_[1]->durable_count() == 2000;
    }));
    EXPECT_EQ(sink_.messages.size(), 4000U);
    EXPECT_EQ(std::set(sink_.messages.begin(), sink_.messages.end()).size(), 4000U);
}

// A poll would first look for acknowledgements, which costs the latency of a system call.
TEST_F(ReliableSockets, send_at_once_what_has_credit) {
    open_input();
    open_output("a");
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->is_open(); }));
    send(0, "message");
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    while (sink_.messages.empty() && std::chrono::steady_clock::now() < end) {
        input_->poll(sink_, now_ns(), 100);
    }
    EXPECT_EQ(sink_.messages, (std::vector<std::string>{"message"}));
}

// Before its event is decided a message has no time for answers; 5 ms are a grant's due.
TEST_F(ReliableSockets, answer_in_the_first_poll_without_messages) {
    open_input();
    open_output("a");
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->is_open(); }));
    const std::uint64_t later_ns = now_ns() + 5'000'000;
    const auto poll_until_it_comes = [&](const std::string& text, std::uint64_t at_ns) {
        send(0, text);
        const auto end = std::chrono::steady_clock::now() + seconds(20);
        while ((sink_.messages.empty() || sink_.messages.back() != text) &&
               std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(milliseconds(10));  // so that the first poll finds it
            input_->poll(sink_, at_ns, 1);
        }
    };
    const auto hears_of = [&](std::uint64_t count) {
        std::this_thread::sleep_for(milliseconds(50));
        outputs_[0]->poll(now_ns());
        return outputs_[0]->durable_count() == count;
    };
    poll_until_it_comes("first", later_ns);
    EXPECT_FALSE(hears_of(1)) << "answered before the message went on";
    while (input_->poll(sink_, later_ns, 1) > 0) {  // a ping may have come
    }
    EXPECT_TRUE(hears_of(1)) << "no answer in a poll without messages";
    poll_until_it_comes("second", later_ns + 5'000'000);
    poll_until_it_comes("third", later_ns + 5'300'000);
    EXPECT_TRUE(hears_of(3)) << "no answer though messages have come for long without a pause";
}

// Who sleeps without another look relies on it.
TEST_F(ReliableSockets, make_the_descriptor_readable_after_a_look_that_found_nothing) {
    open_input();
    open_output("a");
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->is_open(); }));
    const std::uint64_t soon_ns = now_ns();  // no grant is due
    for (int i = 0; i < 50; ++i) {
        input_->poll(sink_, soon_ns, 100);
        ASSERT_TRUE(input_->is_drained());
        send(0, std::to_string(i));
        ASSERT_TRUE(input_->wait(seconds(20)));
        input_->poll(sink_, soon_ns, 1);
        ASSERT_EQ(sink_.messages.size(), static_cast<std::size_t>(i) + 1);
        ASSERT_FALSE(input_->is_drained()) << "it took as many as it may";
    }
    input_->poll(sink_, soon_ns, 100);
    ASSERT_TRUE(input_->is_drained());
    input_->poll(sink_, soon_ns + 5'000'000, 0);
    EXPECT_FALSE(input_->is_drained()) << "it has answered";
}

TEST_F(ReliableSockets, acknowledge_what_is_held_only_when_it_is_settled) {
    open_input();
    open_output("a");
    sink_.holds = true;
    send(0, "one");
    send(0, "two");
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->sender().levels().received == 2; }));
    EXPECT_EQ(outputs_[0]->durable_count(), 0U);
    input_->settle(0, LinkLevel::decided);
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->sender().levels().decided == 1; }));
    EXPECT_EQ(outputs_[0]->durable_count(), 0U);
    input_->settle(1, LinkLevel::durable);
    input_->settle(0, LinkLevel::durable);
    EXPECT_TRUE(turn_until([&] { return outputs_[0]->durable_count() == 2; }));
}

TEST_F(ReliableSockets, send_again_what_a_dead_receiver_had_not_acknowledged) {
    open_input("tcp://127.0.0.1:*");
    const std::string endpoint = input_->bound_endpoint();
    open_output("a");
    sink_.holds = true;
    for (int i = 0; i < 100; ++i) {
        send(0, std::to_string(i));
    }
    ASSERT_TRUE(turn_until([&] { return sink_.messages.size() == 100; }));
    for (Hold hold = 0; hold < 40; ++hold) {
        input_->settle(hold, LinkLevel::durable);
    }
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->durable_count() == 40; }));
    input_.reset();
    sink_ = {};
    for (int tries = 0; tries < 100 && !input_;
         ++tries) {  // the system frees the port a little later
        LinkConfig config;
        config.endpoint = endpoint;
        if (auto made = ReliableInput::make(context_, config, {}); made) {
            input_ = *std::move(made);
        } else {
            std::this_thread::sleep_for(milliseconds(20));
        }
    }
    ASSERT_TRUE(input_);
    EXPECT_TRUE(turn_until([&] { return outputs_[0]->durable_count() == 100; }));
    ASSERT_EQ(sink_.messages.size(), 60U);
    EXPECT_EQ(sink_.messages.front(), "40");
    EXPECT_EQ(sink_.messages.back(), "99");
}

TEST_F(ReliableSockets, refuse_an_earlier_incarnation_of_a_name) {
    open_input();
    open_output("a");
    open_output("a");
    ASSERT_TRUE(turn_until([&] { return outputs_[0]->sender().is_refused(); }));
    EXPECT_EQ(outputs_[0]->send(bytes_of("late"), 0, now_ns()), SendResult::failed);
    send(1, "mine");
    EXPECT_TRUE(turn_until([&] { return outputs_[1]->durable_count() == 1; }));
}

TEST_F(ReliableSockets, say_the_last_levels_when_reading_stops) {
    open_input();
    open_output("a");
    sink_.holds = true;
    send(0, "one");
    ASSERT_TRUE(turn_until([&] { return sink_.messages.size() == 1; }));
    input_->stop();
    input_->settle(0, LinkLevel::durable);
    input_->flush(now_ns());
    const std::unique_ptr<ReliableInput> idle = std::move(input_);
    EXPECT_TRUE(turn_until([&] { return outputs_[0]->durable_count() == 1; }));
    send(0, "two");
    for (int i = 0; i < 50; ++i) {
        outputs_[0]->poll(now_ns());
        idle->poll(sink_, now_ns(), 0);
        std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_EQ(sink_.messages.size(), 1U) << "no credit, and nobody reads";
}

TEST_F(ReliableSockets, survive_bytes_of_strangers) {
    open_input();
    open_output("a");
    void* stranger = zmq_socket(context_.native(), ZMQ_DEALER);
    const int linger = 0;
    zmq_setsockopt(stranger, ZMQ_LINGER, &linger, sizeof linger);
    ASSERT_EQ(zmq_connect(stranger, input_->bound_endpoint().c_str()), 0);
    for (int i = 0; i < 200; ++i) {
        const std::string noise(static_cast<std::size_t>(i), static_cast<char>(i));
        zmq_send(stranger, noise.data(), noise.size(), i % 3 == 0 ? ZMQ_SNDMORE : 0);
    }
    zmq_send(stranger, "end", 3, 0);
    for (int i = 0; i < 100; ++i) {
        send(0, std::to_string(i));
    }
    EXPECT_TRUE(turn_until([&] {
        return outputs_[0]->durable_count() == 100 &&
               input_->receiver().counters().malformed + input_->receiver().counters().damaged >
                   100;
    }));
    EXPECT_EQ(sink_.messages.size(), 100U);
    zmq_close(stranger);
}

// What a dispatcher sent in its earlier incarnation it has given to other nodes: nothing of an
// event is kept of which only that is here. Of one that another sender has a part of, that part is
// still owed.
TEST(TakenBack, is_what_came_from_the_dispatcher_alone) {
    struct EventSink final : MessageSink {
        Hold on_message(std::span<const std::byte> message, std::uint64_t) noexcept override {
            ++messages;
            return std::to_integer<Hold>(message[0]);
        }
        void on_refused(std::uint64_t) noexcept override {}
        bool on_taken_back(Hold hold) noexcept override {
            taken_back.insert(hold);
            return true;
        }
        int messages = 0;
        std::set<Hold> taken_back;
    };
    LinkContext context;
    LinkConfig at;
    at.endpoint = "tcp://127.0.0.1:*";
    const auto input = *ReliableInput::make(context, at, {});
    LinkConfig to = at;
    to.endpoint = input->bound_endpoint();
    to.attachment = Attachment::connect;
    const auto connect = [&](const std::string& name, bool reassigns) {
        return *ReliableOutput::make(context, to, {.name = name, .reassigns = reassigns});
    };
    EventSink sink;
    std::vector<std::unique_ptr<ReliableOutput>> outputs;
    const auto turn_until = [&](auto done) {
        const auto end = std::chrono::steady_clock::now() + seconds(20);
        while (!done() && std::chrono::steady_clock::now() < end) {
            for (const auto& output : outputs) {
                output->poll(now_ns());
            }
            input->poll(sink, now_ns(), 100);
        }
        return done();
    };
    outputs.push_back(connect("dispatch", true));
    outputs.push_back(connect("source", false));
    for (const char hold : {1, 2}) {
        EXPECT_TRUE(outputs[0]->send_within(bytes_of(std::string(1, hold)), milliseconds(10)));
    }
    EXPECT_TRUE(outputs[1]->send_within(bytes_of(std::string(1, 2)), milliseconds(10)));
    ASSERT_TRUE(turn_until([&] { return sink.messages == 3; }));
    outputs.erase(outputs.begin());
    outputs.push_back(connect("source", false));  // a source that starts again takes nothing back
    outputs.push_back(connect("dispatch", true));
    ASSERT_TRUE(turn_until([&] { return input->receiver().counters().opened == 4; }));
    EXPECT_EQ(sink.taken_back, std::set<Hold>{1});
}

// A process that stands still takes connections and ends none: its events stay with it.
TEST(PeerPresence, tells_one_that_stands_still_from_one_that_has_gone) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 100), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);

    LinkContext context;
    LinkConfig config;
    config.endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    config.attachment = Attachment::connect;
    config.options.handshake_ms = 50;
    const auto link = *ReliableOutput::make(context, config, {.name = "d"});
    const auto turn_for = [&](milliseconds time, auto until) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (!until() && std::chrono::steady_clock::now() < end) {
            link->poll(now_ns());
        }
        return until();
    };
    const auto is = [&](PeerPresence presence) {
        return [&, presence] { return link->presence() == presence; };
    };
    EXPECT_TRUE(turn_for(seconds(20), is(PeerPresence::silent)));
    EXPECT_FALSE(turn_for(milliseconds(2500), is(PeerPresence::absent)))
        << "over several handshakes that got no answer, and connections made anew";
    ::close(listener);
    EXPECT_TRUE(turn_for(seconds(20), is(PeerPresence::absent)));
}

}  // namespace
}  // namespace tamis::streams
