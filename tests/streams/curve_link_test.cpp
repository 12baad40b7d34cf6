// Links with keys over real sockets: who has a listed key and the right server key gets through,
// nobody else, and each of them is counted. Strangers are written with the bare library.
#include <gtest/gtest.h>
#include <zmq.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "streams/best_effort_link.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using namespace std::chrono_literals;
using tests::as_bytes;
constexpr auto kPatience = 30'000ms;

struct Pair {
    CurveKey secret{};
    CurveKey open{};
};

Pair new_pair() {
    std::array<char, 41> open{};
    std::array<char, 41> secret{};
    EXPECT_EQ(zmq_curve_keypair(open.data(), secret.data()), 0);
    Pair pair;
    zmq_z85_decode(pair.secret.data(), secret.data());
    zmq_z85_decode(pair.open.data(), open.data());
    return pair;
}

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

struct Gathered final : MessageSink {
    Hold on_message(std::span<const std::byte> message, std::uint64_t /*at*/) noexcept override {
        messages.emplace_back(reinterpret_cast<const char*>(message.data()), message.size());
        return kNoHold;
    }
    void on_refused(std::uint64_t /*at*/) noexcept override {}
    std::vector<std::string> messages;
};

class CurveLink : public testing::Test {
 protected:
    CurveLink() {
        SocketOptions options;
        options.security = CurveServer{node_.secret, {{source_.open, "source"}}};
        input_ =
            BestEffortInput::make(context_, {"tcp://127.0.0.1:*", Attachment::bind, {}, options})
                .value();
    }

    std::unique_ptr<BestEffortSender> sender(const LinkSecurity& security) {
        SocketOptions options;
        options.security = security;
        options.linger_ms = 0;
        return BestEffortSender::make(strangers_,
                                      {input_->bound_endpoint(), Attachment::connect, {}, options})
            .value();
    }
    LinkAdmissions books() { return context_.admission().links().at(0); }
    std::uint64_t refused(Refusal why) { return books().refused.at(static_cast<std::size_t>(why)); }
    // One without keys sees the difference itself and may have hung up before the node has read
    // what it said: then it counts as unfinished.
    std::uint64_t refused_without_keys() {
        return refused(Refusal::not_curve) + refused(Refusal::unfinished);
    }
    // Turns the input meanwhile.
    bool until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            input_->poll(gathered_, now_ns(), 100);
            std::this_thread::sleep_for(1ms);
        }
        return condition();
    }

    Pair node_ = new_pair();
    Pair source_ = new_pair();
    LinkContext context_;
    LinkContext strangers_;
    std::unique_ptr<BestEffortInput> input_;
    Gathered gathered_;
};

TEST_F(CurveLink, carries_what_a_listed_key_sends) {
    const auto good = sender(CurveClient{source_.secret, node_.open});
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(good->send(as_bytes(std::to_string(i)), kPatience), SendResult::delivered);
    }
    EXPECT_TRUE(until([&] { return gathered_.messages.size() == 100; }));
    EXPECT_EQ(gathered_.messages.back(), "99");
    EXPECT_EQ(books().admitted, 1U);
    EXPECT_EQ(books().endpoint, input_->bound_endpoint());
    EXPECT_TRUE(context_.admission().take_refused().empty());
}

// The library's limit is of sealed frames.
TEST_F(CurveLink, carries_the_longest_message_and_none_longer) {
    const std::string longest(static_cast<std::size_t>(SocketOptions{}.max_message_bytes), 'x');
    const auto good = sender(CurveClient{source_.secret, node_.open});
    ASSERT_EQ(good->send(as_bytes(longest), kPatience), SendResult::delivered);
    EXPECT_TRUE(until([&] { return !gathered_.messages.empty(); }));
    EXPECT_EQ(gathered_.messages.at(0).size(), longest.size());
    ASSERT_EQ(good->send(as_bytes(longest + 'x'), kPatience), SendResult::delivered);
    EXPECT_TRUE(until([&] { return books().admitted == 2; })) << "cut off, it comes again";
    EXPECT_EQ(gathered_.messages.size(), 1U);
}

TEST_F(CurveLink, refuses_an_unlisted_key_and_names_it) {
    const Pair unlisted = new_pair();
    const auto bad = sender(CurveClient{unlisted.secret, node_.open});
    ASSERT_TRUE(until([&] { return refused(Refusal::unlisted_key) > 0; }));
    EXPECT_EQ(bad->send(as_bytes("m"), 0ms), SendResult::full);
    const auto named = context_.admission().take_refused();
    ASSERT_FALSE(named.empty());
    EXPECT_EQ(named[0].key, to_z85(unlisted.open));
    EXPECT_EQ(named[0].address, "127.0.0.1");
    EXPECT_EQ(named[0].endpoint, input_->bound_endpoint());
    EXPECT_EQ(books().admitted, 0U);
}

TEST_F(CurveLink, refuses_one_that_takes_it_for_another_server) {
    const auto bad = sender(CurveClient{source_.secret, new_pair().open});
    ASSERT_TRUE(until([&] { return refused(Refusal::wrong_server_key) > 0; }));
    EXPECT_EQ(bad->send(as_bytes("m"), 0ms), SendResult::full);
    EXPECT_EQ(books().admitted, 0U);
}

TEST_F(CurveLink, refuses_one_without_keys) {
    const auto bad = sender({});
    ASSERT_TRUE(until([&] { return refused_without_keys() > 0; }));
    EXPECT_EQ(bad->send(as_bytes("m"), 0ms), SendResult::full);
    EXPECT_EQ(books().admitted, 0U);
}

TEST_F(CurveLink, a_hundred_strangers_of_each_kind_do_not_disturb_the_good_one) {
    constexpr std::uint64_t kStrangers = 100;
    const auto good = sender(CurveClient{source_.secret, node_.open});
    std::size_t sent = 0;
    const auto send_some = [&] {
        for (int i = 0; i < 10; ++i) {
            ASSERT_EQ(good->send(as_bytes("good"), kPatience), SendResult::delivered);
            ++sent;
        }
    };
    const Pair unlisted = new_pair();
    const CurveKey other_server = new_pair().open;
    const std::array<std::pair<LinkSecurity, Refusal>, 3> kinds = {{
        {CurveClient{unlisted.secret, node_.open}, Refusal::unlisted_key},
        {CurveClient{source_.secret, other_server}, Refusal::wrong_server_key},
        {std::monostate(), Refusal::not_curve},
    }};
    for (std::uint64_t i = 1; i <= kStrangers; ++i) {
        for (const auto& [security, why] : kinds) {
            const auto stranger = sender(security);
            ASSERT_TRUE(until([&] {
                return (why == Refusal::not_curve ? refused_without_keys() : refused(why)) >= i;
            })) << to_string(why);
            EXPECT_EQ(stranger->send(as_bytes("bad"), 0ms), SendResult::full);
        }
        send_some();
    }
    EXPECT_TRUE(until([&] { return gathered_.messages.size() >= sent; }));
    EXPECT_EQ(gathered_.messages, std::vector<std::string>(sent, "good"));
    EXPECT_EQ(books().admitted, 1U);
}

TEST(LinkKeys, are_for_tcp_alone) {
    LinkContext context;
    SocketOptions options;
    const Pair pair = new_pair();
    options.security = CurveServer{pair.secret, {{pair.open, "source"}}};
    for (const char* endpoint : {"inproc://keys", "ipc:///tmp/tamis-keys"}) {
        const auto input =
            BestEffortInput::make(context, {endpoint, Attachment::bind, {}, options});
        ASSERT_FALSE(input);
        EXPECT_NE(input.error().find("tcp:// alone"), std::string::npos);
    }
}

// Whoever took the domain or the enforcement away would let anyone in: libzmq fails open.
TEST(LinkKeys, a_server_always_has_a_domain_that_is_enforced) {
    LinkContext context;
    SocketOptions options;
    const Pair pair = new_pair();
    options.security = CurveServer{pair.secret, {{pair.open, "source"}}};
    void* socket = zmq_socket(context.native(), ZMQ_PULL);
    ASSERT_TRUE(apply_socket_options(options, Endpoint{}, "tamis.7", socket));
    std::array<char, 64> domain{};
    std::size_t size = domain.size();
    EXPECT_EQ(zmq_getsockopt(socket, ZMQ_ZAP_DOMAIN, domain.data(), &size), 0);
    EXPECT_STREQ(domain.data(), "tamis.7");
    int value = 0;
    constexpr int kEnforced = 93;
    for (const int option : {ZMQ_CURVE_SERVER, kEnforced}) {
        size = sizeof value;
        EXPECT_EQ(zmq_getsockopt(socket, option, &value, &size), 0);
        EXPECT_EQ(value, 1) << option;
    }
    zmq_close(socket);
}

}  // namespace
}  // namespace tamis::streams
