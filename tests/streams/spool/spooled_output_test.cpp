#include "streams/spool/spooled_output.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace tamis::streams {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count());
}

// Downstream: keeps every message once, as a recorder does.
struct Downstream final : MessageSink {
    Hold on_message(std::span<const std::byte> message, std::uint64_t) noexcept override {
        const std::string text(reinterpret_cast<const char*>(message.data()), message.size());
        if (std::ranges::find(messages, text) == messages.end()) {
            messages.push_back(text);
        }
        return kNoHold;
    }
    void on_refused(std::uint64_t) noexcept override {}
    std::vector<std::string> messages;
};

class SpooledOutputTest : public ::testing::Test {
 protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) /
                  ("spooled_" + std::to_string(getpid()) + "_" +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(folder_);
        start_downstream("tcp://127.0.0.1:*");
        endpoint_ = input_->bound_endpoint();
        start_output();
    }
    void TearDown() override {
        output_.reset();
        std::filesystem::remove_all(folder_);
    }

    void start_downstream(const std::string& endpoint) {
        LinkConfig config;
        config.endpoint = endpoint;
        const auto end = steady_clock::now() + seconds(10);
        while (!input_ && steady_clock::now() < end) {  // the port is free a moment later
            if (auto made = ReliableInput::make(context_, config, {}); made) {
                input_ = *std::move(made);
            } else {
                std::this_thread::sleep_for(milliseconds(10));
            }
        }
        ASSERT_TRUE(input_);
    }
    void start_output(std::uint64_t bytes = 1 << 20) {
        SpooledOutput::Config config;
        config.link.endpoint = endpoint_;
        config.link.attachment = Attachment::connect;
        config.sender.name = "node.down";
        config.spool = {.path = (folder_ / "down").string(), .bytes = bytes, .file_bytes = 4096};
        config.patience_ns = 50'000'000;
        output_.reset();
        auto made = SpooledOutput::make(context_, config);
        ASSERT_TRUE(made.has_value()) << made.error();
        output_ = *std::move(made);
    }
    template <class Condition>
    bool turn_until(Condition done) {
        const auto end = steady_clock::now() + seconds(20);
        while (!done() && steady_clock::now() < end) {
            output_->poll(now_ns());
            if (input_) {
                input_->poll(downstream_, now_ns(), 100);
            } else {
                std::this_thread::sleep_for(milliseconds(1));
            }
        }
        return done();
    }
    SendResult send(int number) {
        const std::string text = std::to_string(number);
        return output_->send(std::as_bytes(std::span(text)), 1, now_ns());
    }
    void send_all(int first, int last) {
        for (int number = first; number < last; ++number) {
            ASSERT_EQ(send(number), SendResult::delivered);
        }
    }
    void expect_in_order(int count) {
        ASSERT_EQ(downstream_.messages.size(), static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) {
            EXPECT_EQ(downstream_.messages[static_cast<std::size_t>(i)], std::to_string(i));
        }
    }

    LinkContext context_;
    std::filesystem::path folder_;
    std::string endpoint_;
    std::unique_ptr<ReliableInput> input_;
    Downstream downstream_;
    std::unique_ptr<SpooledOutput> output_;
};

TEST_F(SpooledOutputTest, uses_no_disk_while_the_receiver_is_there) {
    send_all(0, 100);
    EXPECT_TRUE(turn_until([&] { return output_->durable_count() == 100; }));
    EXPECT_FALSE(output_->is_spooling());
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
    expect_in_order(100);
}

TEST_F(SpooledOutputTest, keeps_events_on_disk_while_the_receiver_is_away_and_drains_in_order) {
    send_all(0, 50);
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 50; }));
    input_.reset();
    send_all(50, 80);  // into the link, which does not know yet
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 80; }))
        << "safe on disk, though nobody is there";
    EXPECT_TRUE(output_->is_spooling());
    send_all(80, 400);
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 400; }));
    start_downstream(endpoint_);
    ASSERT_TRUE(turn_until([&] { return downstream_.messages.size() > 100; }));
    send_all(400, 450);  // behind what is on disk
    ASSERT_TRUE(turn_until([&] { return downstream_.messages.size() == 450; }));
    ASSERT_TRUE(turn_until([&] { return !output_->is_spooling(); }));
    send_all(450, 500);
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 500; }));
    expect_in_order(500);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(SpooledOutputTest, survives_a_receiver_that_dies_while_the_spool_drains) {
    input_.reset();
    send_all(0, 300);
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 300; }));
    start_downstream(endpoint_);
    ASSERT_TRUE(turn_until([&] { return downstream_.messages.size() > 50; }));
    input_.reset();
    ASSERT_TRUE(turn_until([&] { return !output_->sender().is_open(); }));
    start_downstream(endpoint_);
    ASSERT_TRUE(turn_until([&] { return !output_->is_spooling(); }));
    expect_in_order(300);
}

TEST_F(SpooledOutputTest, sends_what_an_earlier_process_left) {
    input_.reset();
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 0; }));
    send_all(0, 200);
    ASSERT_TRUE(turn_until([&] { return output_->durable_count() == 200; }));
    start_output();
    EXPECT_TRUE(output_->is_spooling());
    send_all(200, 250);
    start_downstream(endpoint_);
    ASSERT_TRUE(turn_until([&] { return downstream_.messages.size() == 250; }));
    expect_in_order(250);
}

TEST_F(SpooledOutputTest, says_full_at_its_bound) {
    input_.reset();
    start_output(600);
    const auto known = steady_clock::now() + milliseconds(300);  // that nobody is there
    ASSERT_TRUE(turn_until([&] { return steady_clock::now() > known; }));
    int taken = 0;
    const auto end = steady_clock::now() + seconds(5);
    while (steady_clock::now() < end && taken < 100'000) {
        if (send(taken) == SendResult::delivered) {
            ++taken;
        } else if (output_->is_spooling()) {
            break;
        }
        output_->poll(now_ns());
    }
    EXPECT_TRUE(output_->is_spooling());
    EXPECT_LE(output_->spool().bytes(), 600U);
    EXPECT_EQ(send(taken), SendResult::full);
    start_downstream(endpoint_);
    bool is_sent = false;
    ASSERT_TRUE(turn_until([&] {
        is_sent = is_sent || send(taken) == SendResult::delivered;
        return is_sent;
    }));
    ASSERT_TRUE(turn_until(
        [&] { return downstream_.messages.size() == static_cast<std::size_t>(taken) + 1; }));
    expect_in_order(taken + 1);
}

}  // namespace
}  // namespace tamis::streams
