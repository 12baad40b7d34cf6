// When the senders of an event hear that they may forget it: after its verdict is in the ledger,
// and after every output that wants it holds it safely.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <vector>

#include "daemon/pipeline.hpp"
#include "streams/ledger/verdict_ledger.hpp"
#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using streams::Hold;
using streams::LinkLevel;
using tests::raw_fragment;
using tests::small_config;
using tests::small_menu;
using tests::sum_fragment;
using tests::sum_path;
using tests::test_clock;

// Remembers what it is told, by the event that the hold stands for.
class TrackingInput final : public streams::FragmentInput {
 public:
    explicit TrackingInput(std::vector<std::string> messages) : messages_(std::move(messages)) {}
    std::size_t poll(streams::MessageSink& sink, std::uint64_t now_ns,
                     std::size_t limit) noexcept override {
        std::size_t count = 0;
        for (; count < limit && next_ < messages_.size() && sink.is_ready(); ++count, ++next_) {
            const auto bytes = std::as_bytes(std::span(messages_[next_]));
            const Hold hold = sink.on_message(bytes, now_ns);
            event_of_[hold] = streams::FragmentDecoder().decode(bytes)->event;
        }
        return count;
    }
    void settle(Hold hold, LinkLevel level) noexcept override {
        (level == LinkLevel::decided ? decided : durable).push_back(event_of_.at(hold));
    }
    void stop() noexcept override { is_stopped = true; }
    void flush(std::uint64_t /*now*/) noexcept override { ++flushes; }
    [[nodiscard]] bool wants_settling() const noexcept override { return true; }
    [[nodiscard]] bool is_exhausted() const noexcept override { return false; }
    [[nodiscard]] int wait_descriptor() const noexcept override { return descriptor; }

    int descriptor = -1;
    std::vector<std::uint64_t> decided;
    std::vector<std::uint64_t> durable;
    bool is_stopped = false;
    int flushes = 0;

 private:
    std::vector<std::string> messages_;
    std::size_t next_ = 0;
    std::map<Hold, std::uint64_t> event_of_;
};

// Takes everything; safe is what the test says.
class SlowOutput final : public streams::EventOutput {
 public:
    streams::SendResult send(std::span<const std::byte> /*selected*/, streams::StreamMask /*mask*/,
                             std::uint64_t /*now*/) noexcept override {
        ++taken;
        return streams::SendResult::delivered;
    }
    std::size_t poll(std::uint64_t /*now*/) noexcept override { return 0; }
    [[nodiscard]] std::uint64_t durable_count() const noexcept override { return safe; }
    [[nodiscard]] int wait_descriptor() const noexcept override { return descriptor; }

    std::uint64_t taken = 0;
    std::uint64_t safe = 0;
    int descriptor = -1;
};

// Events 1 .. count; odd ones are selected.
std::vector<std::string> events(std::uint64_t count) {
    std::vector<std::string> messages;
    for (std::uint64_t number = 1; number <= count; ++number) {
        messages.push_back(sum_fragment(1, number, 1, {number % 2 == 1 ? 50.0F : 1.0F}));
        messages.push_back(raw_fragment(1, number, 2, "tracks"));
    }
    return messages;
}

class PipelineDurability : public ::testing::Test {
 protected:
    PipelineDurability() { tests::set_test_clock(clock_ns_); }
    void make(std::vector<std::string> messages, std::vector<streams::EventOutput*> outputs,
              streams::VerdictLedger* ledger = nullptr,
              std::span<const streams::EventKey> ended = {}) {
        input_.emplace(std::move(messages));
        Pipeline::Ports ports{.menu = menu_, .input = *input_, .outputs = {}};
        for (streams::EventOutput* output : outputs) {
            ports.outputs.push_back(
                {.name = "out", .output = output, .streams = ~streams::StreamMask{0}});
        }
        ports.observer = &log_;
        ports.ledger = ledger;
        ports.ended = ended;
        pipeline_.emplace(small_config(), std::move(ports));
    }
    void turn(int times = 20) {
        for (int i = 0; i < times; ++i) {
            pipeline_->turn(test_clock);
        }
        clock_ns_ += 60'000'000;  // the books are published again
        tests::set_test_clock(clock_ns_);
        pipeline_->turn(test_clock);
    }
    static std::vector<std::uint64_t> sorted(std::vector<std::uint64_t> list) {
        std::ranges::sort(list);
        return list;
    }

    tests::SumModel model_;
    TriggerMenu menu_ = tests::compile(small_menu({sum_path("high", 10)}), model_);
    tests::DecisionLog log_;
    std::uint64_t clock_ns_ = 1'000'000'000;
    std::optional<TrackingInput> input_;
    std::optional<Pipeline> pipeline_;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(PipelineDurability,
       tells_of_rejected_events_at_once_and_of_accepted_ones_when_they_are_safe) {
    SlowOutput output;
    make(events(6), {&output});
    turn();
    EXPECT_EQ(output.taken, 3U);
    EXPECT_EQ(sorted(input_->decided), (Numbers{1, 3, 5})) << "with the output, not yet safe";
    // An event behind one that waits is told in its turn; those before it at once.
    for (const std::uint64_t number : input_->durable) {
        EXPECT_EQ(number % 2, 0U);
    }
    EXPECT_EQ(pipeline_->snapshot().run.books.in_flight, 3U);
    output.safe = 2;
    turn();
    EXPECT_EQ(sorted(input_->durable), (Numbers{1, 2, 3, 4, 6}));
    output.safe = 3;
    turn();
    EXPECT_EQ(sorted(input_->durable), (Numbers{1, 2, 3, 4, 5, 6}));
    const Books books = pipeline_->snapshot().run.books;
    EXPECT_TRUE(books.imbalance().is_zero());
    EXPECT_EQ(books.of(Delivery::delivered), 3U);
}

TEST_F(PipelineDurability, waits_for_the_slowest_output) {
    SlowOutput quick;
    SlowOutput slow;
    quick.safe = 100;
    make(events(1), {&quick, &slow});
    turn();
    EXPECT_TRUE(input_->durable.empty());
    slow.safe = 1;
    turn();
    EXPECT_EQ(input_->durable, Numbers{1});
}

TEST_F(PipelineDurability, keeps_from_the_senders_that_a_drain_gave_up_an_event) {
    SlowOutput output;
    make(events(2), {&output});
    turn();
    pipeline_->drain(0);
    turn();
    EXPECT_TRUE(pipeline_->is_finished());
    EXPECT_TRUE(input_->is_stopped);
    EXPECT_GE(input_->flushes, 1);
    EXPECT_EQ(input_->durable, Numbers{2}) << "1 is still its sender's";
    const Books books = pipeline_->snapshot().run.books;
    EXPECT_EQ(books.of(Delivery::dropped_draining), 1U);
    EXPECT_TRUE(books.imbalance().is_zero());
}

TEST_F(PipelineDurability, writes_the_verdict_before_it_tells_and_decides_nothing_twice) {
    const std::string path =
        testing::TempDir() + "pipeline_durability_" + std::to_string(getpid()) + ".ledger";
    std::filesystem::remove(path);
    Numbers written;
    const auto note = [&](const streams::Verdict& verdict) { written.push_back(verdict.event); };
    SlowOutput output;
    output.safe = 100;
    {
        const auto ledger = *streams::VerdictLedger::open(path, 100, note);
        make(events(4), {&output}, ledger.get());
        turn();
        EXPECT_EQ(sorted(input_->durable), (Numbers{1, 2, 3, 4}));
        pipeline_.reset();
    }
    const auto ledger = *streams::VerdictLedger::open(path, 100, note);
    EXPECT_EQ(sorted(written), (Numbers{1, 2, 3, 4}));
    const std::vector<streams::EventKey> ended{{1, 1}, {1, 2}, {1, 3}, {1, 4}};
    make(events(5), {&output}, ledger.get(), ended);
    turn();
    const Books books = pipeline_->snapshot().run.books;
    EXPECT_EQ(books.fragments.late, 8U) << "the first four have their verdicts";
    EXPECT_EQ(books.builder.opened, 1U);
    EXPECT_EQ(input_->durable, Numbers{5});
    std::filesystem::remove(path);
}

// A limit on the size of files stands for a full disk.
TEST_F(PipelineDurability, tells_nothing_while_the_ledger_takes_nothing) {
    const std::string path = testing::TempDir() + "full_" + std::to_string(getpid()) + ".ledger";
    std::filesystem::remove(path);
    const auto ledger = *streams::VerdictLedger::open(path, 100, [](const streams::Verdict&) {});
    SlowOutput output;
    output.safe = 100;
    make(events(4), {&output}, ledger.get());
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    turn();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::signal(SIGXFSZ, before);
    EXPECT_GT(ledger->failures(), 0U);
    EXPECT_TRUE(input_->durable.empty());
    EXPECT_EQ(pipeline_->snapshot().run.books.in_flight, 4U);
    EXPECT_TRUE(pipeline_->snapshot().run.books.imbalance().is_zero());
    turn();
    EXPECT_EQ(sorted(input_->durable), (Numbers{1, 2, 3, 4})) << "the disk has room again";
    std::filesystem::remove(path);
}

TEST_F(PipelineDurability, sleeps_until_a_link_says_more_but_looks_often_at_an_output_that_cannot) {
    const int readable = ::eventfd(1, EFD_CLOEXEC);
    SlowOutput link;
    SlowOutput disk;
    link.descriptor = readable;
    make(events(1), {&link, &disk});
    input_->descriptor = readable;
    turn();
    EXPECT_LT(pipeline_->wait_point().limit_ns, 1'000'000U) << "the disk cannot wake anybody";
    disk.safe = 1;
    turn();
    const WaitPoint point = pipeline_->wait_point();
    EXPECT_GE(point.limit_ns, 1'000'000U) << "only the link is waited for";
    pollfd woken{.fd = point.output_descriptor, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&woken, 1, 0), 1) << "what wakes the link's descriptor wakes the loop";
    link.safe = 1;
    turn();
    EXPECT_EQ(input_->durable, (std::vector<std::uint64_t>{1}));
    pipeline_.reset();
    ::close(readable);
}

}  // namespace
}  // namespace tamis::daemon
