// Links over real sockets: inside the process, a Unix socket, the loopback interface. Peers that
// break the rules are written with the bare library.
#include "streams/best_effort_link.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using namespace std::chrono_literals;
using tests::as_bytes;
constexpr auto kPatience = 30'000ms;

struct Received final : MessageSink {
    Hold on_message(std::span<const std::byte> message,
                    std::uint64_t arrival_ns) noexcept override {
        messages.emplace_back(reinterpret_cast<const char*>(message.data()), message.size());
        last_arrival_ns = arrival_ns;
        return kNoHold;
    }
    void on_refused(std::uint64_t) noexcept override { ++refused; }
    [[nodiscard]] bool is_ready() const noexcept override { return messages.size() < room; }

    std::vector<std::string> messages;
    std::uint64_t last_arrival_ns = 0;
    std::size_t refused = 0;
    std::size_t room = 1'000'000;
};

bool has_ipv6_loopback() {
    std::ifstream addresses("/proc/net/if_inet6");
    const std::string text{std::istreambuf_iterator<char>(addresses), {}};
    return text.find("00000000000000000000000000000001") != std::string::npos;
}

// Polls until so many messages (whole or refused) came or patience ends.
void receive(BestEffortInput& input, Received& received, std::size_t count) {
    BestEffortInput* const inputs[] = {&input};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (received.messages.size() + received.refused < count &&
           std::chrono::steady_clock::now() < deadline) {
        if (input.poll(received, 17, 100) == 0) {
            (void)wait_readable(inputs, 100ms);
        }
    }
}

class BestEffortLink : public testing::Test {
 protected:
    BestEffortLink()
        : folder_(std::filesystem::temp_directory_path() /
                  ("tamis_link_" + std::to_string(getpid()))) {
        std::filesystem::create_directory(folder_);
    }
    ~BestEffortLink() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<BestEffortInput> bind_input(const std::string& endpoint,
                                                SocketOptions options = SocketOptions{}) {
        auto input = BestEffortInput::make(
            context_, {endpoint, Attachment::bind, LinkPattern::pipeline, options});
        EXPECT_TRUE(input) << (input ? "" : input.error());
        return std::move(input).value();
    }
    std::unique_ptr<BestEffortSender> connect_sender(const std::string& endpoint,
                                                     SocketOptions options = SocketOptions{}) {
        auto sender = BestEffortSender::make(
            context_, {endpoint, Attachment::connect, LinkPattern::pipeline, options});
        EXPECT_TRUE(sender) << (sender ? "" : sender.error());
        return std::move(sender).value();
    }

    std::filesystem::path folder_;
    LinkContext context_;
};

TEST_F(BestEffortLink, carries_messages_in_order_over_each_transport) {
    for (const std::string& endpoint :
         {std::string("inproc://link"), "ipc://" + (folder_ / "link").string(),
          std::string("tcp://127.0.0.1:*"), std::string("tcp://[::1]:*")}) {
        if (endpoint.find("::1") != std::string::npos && !has_ipv6_loopback()) {
            continue;
        }
        auto input = bind_input(endpoint);
        auto sender = connect_sender(input->bound_endpoint());
        for (int i = 0; i < 200; ++i) {
            ASSERT_EQ(sender->send(as_bytes(std::to_string(i)), kPatience), SendResult::delivered);
        }
        Received received;
        receive(*input, received, 200);
        ASSERT_EQ(received.messages.size(), 200U) << endpoint;
        for (int i = 0; i < 200; ++i) {
            ASSERT_EQ(received.messages[static_cast<std::size_t>(i)], std::to_string(i));
        }
        EXPECT_EQ(received.last_arrival_ns, 17U);
        EXPECT_FALSE(input->is_exhausted());
    }
}

TEST_F(BestEffortLink, hands_out_no_more_than_the_limit_and_keeps_what_the_sink_cannot_take) {
    auto input = bind_input("inproc://link");
    auto sender = connect_sender("inproc://link");
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(sender->send(as_bytes("m"), kPatience), SendResult::delivered);
    }
    Received received;
    EXPECT_EQ(input->poll(received, 0, 4), 4U);
    received.room = 6;
    EXPECT_EQ(input->poll(received, 0, 100), 2U);
    EXPECT_EQ(input->poll(received, 0, 100), 0U);
    received.room = 100;
    EXPECT_EQ(input->poll(received, 0, 100), 4U);
}

// Who sleeps without another look relies on it.
TEST_F(BestEffortLink, makes_the_descriptor_readable_after_a_look_that_found_nothing) {
    auto input = bind_input("ipc://" + (folder_ / "link").string());
    auto sender = connect_sender(input->bound_endpoint());
    const auto is_readable = [&](std::chrono::milliseconds patience) {
        pollfd waited{.fd = input->wait_descriptor(), .events = POLLIN, .revents = 0};
        return ::poll(&waited, 1, static_cast<int>(patience.count())) == 1;
    };
    Received received;
    for (std::size_t i = 0; i < 50; ++i) {
        received.room = i + 1;
        ASSERT_EQ(input->poll(received, 0, 100), 0U);
        ASSERT_TRUE(input->is_drained());
        ASSERT_EQ(sender->send(as_bytes("m"), kPatience), SendResult::delivered);
        ASSERT_TRUE(is_readable(kPatience));
        received.room = i;
        ASSERT_EQ(input->poll(received, 0, 100), 0U);
        ASSERT_TRUE(is_readable(0ms)) << "it has not looked: the sink had no room";
        received.room = i + 1;
        while (input->poll(received, 0, 1) == 0) {  // a new connection makes it readable too
            ASSERT_TRUE(input->is_drained());
            ASSERT_TRUE(is_readable(kPatience));
        }
        ASSERT_FALSE(input->is_drained()) << "it took as many as it may";
    }
}

TEST_F(BestEffortLink, refuses_a_message_of_several_parts_once_and_reads_the_next) {
    auto input = bind_input("tcp://127.0.0.1:*");
    void* raw = zmq_socket(context_.native(), ZMQ_PUSH);
    ASSERT_EQ(zmq_connect(raw, input->bound_endpoint().c_str()), 0);
    constexpr int kFlood = 50;
    for (int message = 0; message < kFlood; ++message) {
        for (int part = 0; part < 1000; ++part) {
            ASSERT_EQ(zmq_send(raw, "part", 4, ZMQ_SNDMORE), 4);
        }
        ASSERT_EQ(zmq_send(raw, "last", 4, 0), 4);
        ASSERT_EQ(zmq_send(raw, "good", 4, 0), 4);
    }
    Received received;
    receive(*input, received, 2 * kFlood);
    zmq_close(raw);
    EXPECT_EQ(received.refused, static_cast<std::size_t>(kFlood));
    EXPECT_EQ(received.messages, std::vector<std::string>(kFlood, "good"));
}

TEST_F(BestEffortLink, cuts_off_a_peer_that_sends_more_than_the_limit_and_serves_the_others) {
    SocketOptions options = SocketOptions{};
    options.max_message_bytes = 1000;
    auto input = bind_input("tcp://127.0.0.1:*", options);
    auto bad = connect_sender(input->bound_endpoint());
    auto good = connect_sender(input->bound_endpoint());
    const std::string large(1001, 'x');
    const std::string just(1000, 'x');
    EXPECT_EQ(bad->send(as_bytes(large), kPatience), SendResult::delivered);
    EXPECT_EQ(good->send(as_bytes(just), kPatience), SendResult::delivered);
    Received received;
    receive(*input, received, 1);
    EXPECT_EQ(input->poll(received, 0, 100), 0U);
    EXPECT_EQ(received.messages, std::vector<std::string>{just});
}

TEST_F(BestEffortLink, survives_a_peer_that_does_not_speak_its_language) {
    auto input = bind_input("tcp://127.0.0.1:*");
    const std::string endpoint = input->bound_endpoint();
    const auto port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
    for (const std::string& greeting :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(1000, '\xff'), std::string()}) {
        const int peer = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ASSERT_EQ(connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        ASSERT_EQ(send(peer, greeting.data(), greeting.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(greeting.size()));
        close(peer);
    }
    auto sender = connect_sender(endpoint);
    ASSERT_EQ(sender->send(as_bytes("good"), kPatience), SendResult::delivered);
    Received received;
    receive(*input, received, 1);
    EXPECT_EQ(received.messages, std::vector<std::string>{"good"});
}

TEST_F(BestEffortLink, output_is_full_without_a_reader_and_delivers_when_one_is_there) {
    auto output = BestEffortOutput::make(
        context_, {"tcp://127.0.0.1:*", Attachment::bind, LinkPattern::pipeline, SocketOptions{}});
    ASSERT_TRUE(output) << output.error();
    EXPECT_EQ((*output)->send(as_bytes("m"), 1, 0), SendResult::full);
    EXPECT_EQ((*output)->durable_count(), 0U);
    auto input = BestEffortInput::make(context_, {(*output)->bound_endpoint(), Attachment::connect,
                                                  LinkPattern::pipeline, SocketOptions{}});
    ASSERT_TRUE(input) << input.error();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    SendResult result = SendResult::full;
    while (result == SendResult::full && std::chrono::steady_clock::now() < deadline) {
        result = (*output)->send(as_bytes("m"), 1, 0);
    }
    EXPECT_EQ(result, SendResult::delivered);
    EXPECT_EQ((*output)->durable_count(), 1U);
    Received received;
    receive(**input, received, 1);
    EXPECT_EQ(received.messages, std::vector<std::string>{"m"});
}

// With heartbeats libzmq 4.3.4 ended the process here: "Assertion failed: !_io_error".
TEST_F(BestEffortLink, a_reader_outlives_a_sender_that_leaves_while_its_messages_wait) {
    SocketOptions small;
    small.receive_high_water_mark = 1;
    small.receive_buffer_bytes = 4096;
    auto input = bind_input("tcp://127.0.0.1:*", small);
    {
        auto sender = connect_sender(input->bound_endpoint(), SocketOptions{.linger_ms = 0});
        const std::string message(10'000, 'm');
        for (int i = 0; i < 50 && sender->send(as_bytes(message), 200ms) == SendResult::delivered;
             ++i) {
        }
    }
    // Longer than the interval of the heartbeats that there were.
    BestEffortInput* const nothing[] = {input.get()};
    const auto end = std::chrono::steady_clock::now() + 700ms;
    while (std::chrono::steady_clock::now() < end) {
        (void)wait_readable(nothing, 1ms);
    }
    Received received;
    receive(*input, received, 1);
    EXPECT_GE(received.messages.size(), 1U);
}

TEST_F(BestEffortLink, output_is_full_when_the_reader_does_not_read) {
    SocketOptions small;
    small.send_high_water_mark = 2;
    small.receive_high_water_mark = 2;
    auto input = bind_input("inproc://link", small);
    auto sender = connect_sender("inproc://link", small);
    int sent = 0;
    while (sent < 100 && sender->send(as_bytes("m"), 1ms) == SendResult::delivered) {
        ++sent;
    }
    EXPECT_EQ(sent, 4);  // both marks together
}

TEST_F(BestEffortLink, broadcast_reaches_every_reader) {
    auto output = BestEffortOutput::make(
        context_, {"inproc://all", Attachment::bind, LinkPattern::broadcast, {}});
    ASSERT_TRUE(output) << output.error();
    std::vector<std::unique_ptr<BestEffortInput>> readers;
    for (int i = 0; i < 2; ++i) {
        readers.push_back(
            BestEffortInput::make(context_,
                                  {"inproc://all", Attachment::connect, LinkPattern::broadcast, {}})
                .value());
    }
    // Who subscribes late misses what was sent before, so send until both have something.
    Received first;
    Received second;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while ((first.messages.empty() || second.messages.empty()) &&
           std::chrono::steady_clock::now() < deadline) {
        EXPECT_EQ((*output)->send(as_bytes("m"), 1, 0), SendResult::delivered);
        readers[0]->poll(first, 0, 10);
        readers[1]->poll(second, 0, 10);
    }
    EXPECT_FALSE(first.messages.empty());
    EXPECT_FALSE(second.messages.empty());
}

TEST_F(BestEffortLink, says_why_it_cannot_be_made) {
    const auto why = [&](const std::string& endpoint, Attachment attachment) {
        auto input = BestEffortInput::make(
            context_, {endpoint, attachment, LinkPattern::pipeline, SocketOptions{}});
        return input ? "made" : input.error();
    };
    auto taken = bind_input("tcp://127.0.0.1:*");
    EXPECT_THAT(why(taken->bound_endpoint(), Attachment::bind), testing::HasSubstr("another port"));
    EXPECT_THAT(why("ipc:///nowhere/at/all", Attachment::bind), testing::HasSubstr("folder"));
    EXPECT_THAT(why("tcp://0.0.0.0:*", Attachment::bind), testing::HasSubstr("insecure"));
    EXPECT_THAT(why("nonsense", Attachment::bind), testing::HasSubstr("no transport"));
}

TEST_F(BestEffortLink, a_sender_gives_up_when_its_time_is_over) {
    auto sender = connect_sender("ipc://" + (folder_ / "nobody").string());
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(sender->send(as_bytes("m"), 50ms), SendResult::full);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
}

// No socket may be left with a limit of the library's own.
TEST(SocketOptions, are_all_in_force_on_the_socket) {
    LinkContext context;
    void* socket = zmq_socket(context.native(), ZMQ_PULL);
    const SocketOptions options;
    ASSERT_TRUE(apply_socket_options(options, Endpoint{}, "", socket));
    const auto value = [&](int option) {
        int number = -12345;
        std::size_t size = sizeof(number);
        EXPECT_EQ(zmq_getsockopt(socket, option, &number, &size), 0);
        return number;
    };
    std::int64_t largest = 0;
    std::size_t size = sizeof(largest);
    EXPECT_EQ(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &largest, &size), 0);
    EXPECT_EQ(largest, options.max_message_bytes);
    EXPECT_EQ(value(ZMQ_SNDHWM), options.send_high_water_mark);
    EXPECT_EQ(value(ZMQ_RCVHWM), options.receive_high_water_mark);
    EXPECT_EQ(value(ZMQ_LINGER), options.linger_ms);
    EXPECT_EQ(value(ZMQ_HANDSHAKE_IVL), options.handshake_ms);
    EXPECT_EQ(value(ZMQ_HEARTBEAT_IVL), options.heartbeat_interval_ms);
    EXPECT_EQ(value(ZMQ_HEARTBEAT_TIMEOUT), options.heartbeat_timeout_ms);
    EXPECT_EQ(value(ZMQ_BACKLOG), options.backlog);
    EXPECT_EQ(value(ZMQ_IMMEDIATE), 1);
    EXPECT_EQ(value(ZMQ_SNDBUF), options.send_buffer_bytes);
    EXPECT_EQ(value(ZMQ_RCVBUF), options.receive_buffer_bytes);
    zmq_close(socket);
}

}  // namespace
}  // namespace tamis::streams
