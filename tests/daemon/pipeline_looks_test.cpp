// When the loop looks at its links: each look costs system calls, and each that is left out must
// find its message later.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vector>

#include "daemon/pipeline.hpp"
#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using tests::small_config;
using tests::sum_fragment;
using tests::test_clock;

// A link that remembers how it was looked at.
class LookedInput final : public streams::FragmentInput {
 public:
    explicit LookedInput(int descriptor) : descriptor_(descriptor) {}
    std::size_t poll(streams::MessageSink& sink, std::uint64_t now_ns,
                     std::size_t limit) noexcept override {
        looked.push_back(limit > 0);
        if (limit == 0 && has_answer) {
            is_empty = false;
        }
        std::size_t count = 0;
        for (; count < limit && count < messages.size() && sink.is_ready(); ++count) {
            sink.on_message(std::as_bytes(std::span(messages[count])), now_ns);
        }
        messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    }
    [[nodiscard]] bool is_exhausted() const noexcept override { return false; }
    [[nodiscard]] bool is_drained() const noexcept override { return is_empty && messages.empty(); }
    [[nodiscard]] int wait_descriptor() const noexcept override { return descriptor_; }

    std::vector<std::string> messages;
    bool is_empty = true;
    bool has_answer = false;  // it sends one when polled, and says then that it must be looked at
    std::vector<bool> looked;

 private:
    int descriptor_;
};

class LookedOutput final : public streams::EventOutput {
 public:
    explicit LookedOutput(int descriptor) : descriptor_(descriptor) {}
    streams::SendResult send(std::span<const std::byte> /*selected*/, streams::StreamMask /*mask*/,
                             std::uint64_t /*now*/) noexcept override {
        ++taken;
        return streams::SendResult::delivered;
    }
    std::size_t poll(std::uint64_t /*now*/) noexcept override {
        ++looks;
        return 0;
    }
    [[nodiscard]] std::uint64_t durable_count() const noexcept override { return 0; }
    [[nodiscard]] int wait_descriptor() const noexcept override { return descriptor_; }

    std::uint64_t taken = 0;
    int looks = 0;

 private:
    int descriptor_;
};

class PipelineLooks : public ::testing::Test {
 protected:
    PipelineLooks() {
        Pipeline::Ports ports{.menu = menu_, .input = input_, .outputs = {}};
        ports.outputs.push_back(
            {.name = "out", .output = &output_, .streams = ~streams::StreamMask{0}});
        pipeline_.emplace(small_config(), std::move(ports));
        tests::set_test_clock(clock_ns_);
    }
    ~PipelineLooks() override {
        pipeline_.reset();
        ::close(silent_);
    }
    void arrive(std::uint64_t event) {
        input_.messages.push_back(sum_fragment(1, event, 1, {50.0F}));
        input_.messages.push_back(tests::raw_fragment(1, event, 2, "tracks"));
    }
    std::size_t turn() { return pipeline_->turn(test_clock); }
    void pass(std::uint64_t ns) { tests::set_test_clock(clock_ns_ += ns); }

    int silent_ = ::eventfd(0, EFD_CLOEXEC);
    tests::SumModel model_;
    TriggerMenu menu_ = tests::compile(tests::small_menu({tests::sum_path("high", 10)}), model_);
    LookedInput input_{silent_};
    LookedOutput output_{silent_};
    std::uint64_t clock_ns_ = 1'000'000'000;
    std::optional<Pipeline> pipeline_;
};

using Looks = std::vector<bool>;

TEST_F(PipelineLooks, once_at_an_input_that_was_read_to_its_end_before_the_loop_sleeps) {
    arrive(1);
    EXPECT_GT(turn(), 0U);
    EXPECT_EQ(output_.taken, 1U) << "the event has gone out";
    EXPECT_EQ(turn(), 0U) << "and then the loop may sleep";
    turn();
    EXPECT_EQ(input_.looked, (Looks{true, false, true}));
}

TEST_F(PipelineLooks, at_what_else_has_come_after_the_first_whole_event_has_gone_out) {
    arrive(1);
    arrive(2);
    arrive(3);
    turn();
    EXPECT_EQ(output_.taken, 1U) << "it did not wait for the others to be read";
    turn();
    EXPECT_EQ(output_.taken, 3U) << "who has fallen behind takes all there is";
    arrive(4);
    arrive(5);
    turn();
    turn();
    EXPECT_EQ(output_.taken, 4U) << "and who has caught up goes by the first again";
}

TEST_F(PipelineLooks, again_at_an_input_that_had_more_than_a_turn_takes) {
    arrive(1);
    input_.is_empty = false;
    turn();
    turn();
    EXPECT_EQ(input_.looked, (Looks{true, true}));
}

TEST_F(PipelineLooks, again_at_an_input_that_has_answered_meanwhile) {
    arrive(1);
    input_.has_answer = true;
    turn();
    EXPECT_GT(turn(), 0U) << "it may have taken notice of a message while it sent";
    turn();
    EXPECT_EQ(input_.looked, (Looks{true, false, true}));
}

TEST_F(PipelineLooks, at_the_input_after_a_sleep_that_the_output_ended_only_if_it_had_more) {
    turn();
    pipeline_->on_wake({.by_input = false, .by_output = true});
    turn();
    pipeline_->on_wake({.by_input = true, .by_output = false});
    turn();
    pipeline_->on_wake({});
    turn();
    input_.is_empty = false;
    pipeline_->on_wake({.by_input = false, .by_output = true});
    turn();
    EXPECT_EQ(input_.looked, (Looks{true, false, true, true, true}));
}

TEST_F(PipelineLooks, at_outputs_that_call_and_at_others_once_in_a_millisecond) {
    turn();
    const int first = output_.looks;
    arrive(1);
    turn();
    turn();
    ASSERT_EQ(output_.taken, 1U);
    EXPECT_EQ(output_.looks, first) << "looked in the same moment again";
    EXPECT_LE(pipeline_->wait_point().limit_ns, 1'000'000U)
        << "what came while it sent may wait in silence";
    pipeline_->on_wake({.by_input = true, .by_output = false});
    turn();
    EXPECT_EQ(output_.looks, first) << "looked though it was silent";
    pipeline_->on_wake({.by_input = false, .by_output = true});
    turn();
    EXPECT_EQ(output_.looks, first + 1);
    EXPECT_GT(pipeline_->wait_point().limit_ns, 1'000'000U);
    pass(1'100'000);
    turn();
    EXPECT_EQ(output_.looks, first + 2);
}

}  // namespace
}  // namespace tamis::daemon
