// Peers that send more than a reader can hold, over real TCP connections. libzmq itself sends no
// unfinished message, so the peer that breaks the rules speaks the wire protocol on a bare socket.
#include "streams/connection_guard.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "streams/best_effort_link.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using namespace std::chrono_literals;
using tests::as_bytes;
constexpr auto kPatience = 30s;
constexpr std::size_t kPart = 60'000;

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

struct Collected final : MessageSink {
    Hold on_message(std::span<const std::byte> message, std::uint64_t) noexcept override {
        ++(message.size() < kPart ? small : large);
        return kNoHold;
    }
    void on_refused(std::uint64_t) noexcept override { ++refused; }
    [[nodiscard]] bool is_ready() const noexcept override { return has_room; }

    std::size_t small = 0;
    std::size_t large = 0;
    std::size_t refused = 0;
    bool has_room = true;
};

// PUSH by hand: ZMTP 3.0 without keys.
class BarePeer {
 public:
    explicit BarePeer(const std::string& endpoint) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        std::string greeting(64, '\0');
        greeting.replace(0, 1, "\xff").replace(9, 2, "\x7f\x03").replace(12, 4, "NULL");
        const std::string ready = std::string("\x05READY\x0bSocket-Type") + std::string(3, '\0') +
                                  std::string("\x04PUSH");
        say(greeting + '\x04' + static_cast<char>(ready.size()) + ready);
        // Nothing but a command may follow before the other side is ready: a greeting, then flags,
        // length and contents of its command.
        hear(64);
        hear(static_cast<std::size_t>(hear(2)[1]));
    }
    ~BarePeer() { close(socket_); }
    BarePeer(const BarePeer&) = delete;
    BarePeer& operator=(const BarePeer&) = delete;

    // What the connection takes of some such frames; false when it has ended.
    bool send_frames(char flags) {
        std::string frame(9, '\0');
        frame[0] = static_cast<char>(flags | 2);  // a length of 8 bytes
        for (std::size_t i = 0, size = kPart; i < 8; ++i, size >>= 8U) {
            frame[8 - i] = static_cast<char>(size & 0xffU);
        }
        frame.append(kPart, 'x');
        for (int i = 0; i < 20; ++i) {
            const ssize_t sent = send(socket_, frame.data() + done_, frame.size() - done_,
                                      MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0) {  // with room for nothing more, the end may be all that is heard
                char byte = 0;
                return errno == EAGAIN && recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
            }
            done_ = (done_ + static_cast<std::size_t>(sent)) % frame.size();
        }
        return true;
    }

 private:
    void say(const std::string& text) {
        EXPECT_EQ(send(socket_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    std::string hear(std::size_t bytes) {
        std::string text(bytes, '\0');
        EXPECT_EQ(recv(socket_, text.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
        return text;
    }
    int socket_;
    std::size_t done_ = 0;  // of the frame under way
};

class GuardedInput : public testing::Test {
 protected:
    void bind(std::uint64_t unread_bytes) {
        options_.unread_bytes = unread_bytes;
        options_.max_message_bytes = 1 << 16;
        input_ = BestEffortInput::make(context_, {"tcp://127.0.0.1:*", Attachment::bind,
                                                  LinkPattern::pipeline, options_})
                     .value();
    }
    std::unique_ptr<BestEffortSender> connect() {
        return BestEffortSender::make(
                   context_,
                   {input_->bound_endpoint(), Attachment::connect, LinkPattern::pipeline, {}})
            .value();
    }
    // Polls until `is_done` or patience ends; says whether it is done.
    template <class Condition>
    bool poll_until(Condition is_done) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (std::chrono::steady_clock::now() < deadline) {
            if (is_done()) {
                return true;
            }
            input_->poll(collected_, now_ns(), 100);
        }
        return false;
    }

    LinkContext context_;
    SocketOptions options_;
    std::unique_ptr<BestEffortInput> input_;
    Collected collected_;
};

TEST_F(GuardedInput, a_peer_whose_message_never_ends_is_cut_off_and_others_go_on) {
    bind(std::uint64_t{1} << 40);
    auto good = connect();
    BarePeer endless(input_->bound_endpoint());
    bool is_connected = true;
    std::size_t sent = 0;
    ASSERT_TRUE(poll_until([&] {
        sent += good->send(as_bytes("good"), 0ms) == SendResult::delivered ? 1 : 0;
        is_connected = is_connected && endless.send_frames(1);
        return !is_connected && input_->cut_connections() == 1;
    }));
    ASSERT_EQ(good->send(as_bytes("good"), 10s), SendResult::delivered);
    EXPECT_TRUE(poll_until([&] { return collected_.small == sent + 1; }));
    EXPECT_EQ(collected_.large + collected_.refused, 0U);
    EXPECT_EQ(input_->cut_connections(), 1U);
}

TEST_F(GuardedInput, beyond_the_limit_the_peer_that_has_most_is_cut_off) {
    bind(std::uint64_t{4} << 20);
    auto good = connect();
    ASSERT_EQ(good->send(as_bytes("good"), 10s), SendResult::delivered);
    BarePeer greedy(input_->bound_endpoint());
    collected_.has_room = false;
    EXPECT_TRUE(poll_until([&] { return !greedy.send_frames(0); }));
    EXPECT_EQ(input_->cut_connections(), 1U);
    // What came whole is read all the same.
    collected_.has_room = true;
    EXPECT_TRUE(poll_until([&] {
        return collected_.small == 1 && 2 * collected_.large * kPart > options_.unread_bytes;
    }));
}

TEST_F(GuardedInput, whole_messages_that_nobody_has_read_yet_are_no_message_without_end) {
    bind(std::uint64_t{1} << 40);
    BarePeer patient(input_->bound_endpoint());
    collected_.has_room = false;
    const auto end = std::chrono::steady_clock::now() + 100ms;
    bool is_connected = true;
    EXPECT_TRUE(poll_until([&] {
        is_connected = is_connected && patient.send_frames(0);
        return std::chrono::steady_clock::now() > end;
    }));
    EXPECT_TRUE(is_connected);
    EXPECT_EQ(input_->cut_connections(), 0U);
    collected_.has_room = true;
    EXPECT_TRUE(poll_until([&] { return collected_.large > 10; }));
    EXPECT_EQ(input_->cut_connections(), 0U);
}

TEST_F(GuardedInput, who_is_read_may_send_any_amount) {
    bind(std::uint64_t{8} << 20);
    BarePeer steady(input_->bound_endpoint());
    ASSERT_TRUE(poll_until([&] {
        EXPECT_TRUE(steady.send_frames(0));
        return collected_.large * kPart > 20 * options_.unread_bytes;
    }));
    EXPECT_EQ(input_->cut_connections(), 0U);
}

TEST_F(GuardedInput, what_a_cut_connection_left_is_no_fault_of_others) {
    bind(std::uint64_t{4} << 20);
    collected_.has_room = false;
    BarePeer greedy(input_->bound_endpoint());
    EXPECT_TRUE(poll_until([&] { return !greedy.send_frames(0); }));
    auto good = connect();
    const std::string message(1000, 'm');
    std::size_t sent = 0;
    EXPECT_TRUE(poll_until([&] {
        sent += good->send(as_bytes(message), 1ms) == SendResult::delivered ? 1 : 0;
        return sent == 200;
    }));
    // Time for the guard to see what is not read, many times over.
    const auto end = std::chrono::steady_clock::now() + 100ms;
    EXPECT_TRUE(poll_until([&] { return std::chrono::steady_clock::now() > end; }));
    EXPECT_EQ(input_->cut_connections(), 1U);
    collected_.has_room = true;
    EXPECT_TRUE(poll_until([&] { return collected_.small == sent; }));
}

}  // namespace
}  // namespace tamis::streams
