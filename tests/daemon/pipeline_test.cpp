#include "daemon/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/pipeline_threads.hpp"
#include "streams/selected_event.hpp"
#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using streams::Outcome;
using streams::SendResult;
using tests::compile;
using tests::DecisionLog;
using tests::MemoryInput;
using tests::MemoryOutput;
using tests::raw_fragment;
using tests::small_config;
using tests::small_menu;
using tests::sum_fragment;
using tests::sum_path;
using tests::SumModel;
using tests::test_clock;

// Two fragments an event; the first carries {number, 0.5}. Every 10th event lacks its second
// fragment, every 17th has a broken payload; some garbage in between.
std::vector<std::string> mixed_messages(std::uint64_t events) {
    std::vector<std::string> messages;
    for (std::uint64_t number = 1; number <= events; ++number) {
        messages.push_back(number % 17 == 0
                               ? raw_fragment(1, number, 1, "raw")
                               : sum_fragment(1, number, 1, {static_cast<float>(number), 0.5F}));
        if (number % 10 != 0) {
            messages.push_back(raw_fragment(1, number, 2, "tracks"));
        }
        if (number % 7 == 0) {
            messages.emplace_back("\xff\xff\xff garbage");
        }
        if (number % 23 == 0) {
            messages.push_back(messages.front());  // its event was closed long ago
        }
    }
    return messages;
}

struct SmallRun {
    explicit SmallRun(config::Menu menu_text) : menu(compile(menu_text, model)) {}

    [[nodiscard]] Pipeline::Ports ports(streams::FragmentInput& input) {
        return {.menu = menu,
                .input = input,
                .outputs = {{.name = "out",
                             .output = &output,
                             .streams = ~streams::StreamMask{0},
                             .full = full}},
                .observer = &log};
    }

    SumModel model;
    TriggerMenu menu;
    MemoryOutput output;
    DecisionLog log;
    config::FullPolicy full = config::FullPolicy::block;
};

config::Menu mixed_menu() {
    return small_menu({sum_path("high", 100), sum_path("rare", 20, 5), sum_path("off", 0, 0)});
}

void expect_closed(const Books& books) {
    const Imbalance imbalance = books.imbalance();
    EXPECT_EQ(imbalance.fragments, 0);
    EXPECT_EQ(imbalance.events, 0);
    EXPECT_EQ(imbalance.deliveries, 0);
}

TEST(Pipeline, decides_every_event_and_closes_its_books) {
    SmallRun run(mixed_menu());
    MemoryInput input(mixed_messages(200));
    Pipeline pipeline(small_config(), run.ports(input));
    pipeline.run_to_end(test_clock);
    const auto snapshot = pipeline.snapshot();
    const Books& books = snapshot.run.books;
    expect_closed(books);
    EXPECT_EQ(books.in_flight, 0U);
    EXPECT_EQ(books.builder.opened, 200U);
    EXPECT_EQ(books.of(Outcome::debug_incomplete), 20U);
    EXPECT_EQ(books.fragments.malformed, 28U);
    EXPECT_EQ(books.fragments.duplicate_late, 8U);
    EXPECT_EQ(run.log.seen.size(), 200U);
    EXPECT_EQ(run.output.taken, books.of(Outcome::accepted) + books.debug());
    EXPECT_EQ(snapshot.outputs[0].delivered, run.output.taken);
    EXPECT_GT(snapshot.run.paths[1].prescaled_away, 0U);
    EXPECT_EQ(snapshot.run.streams[1].events, books.debug());
    EXPECT_EQ(snapshot.run.decision_latency.count(), 180U);
    EXPECT_EQ(snapshot.run.time.total_ns(),
              snapshot.run.time.live_ns + snapshot.run.time.busy_ns + snapshot.run.time.dead_ns);
}

TEST(Pipeline, sends_selected_events_with_their_fragments) {
    SmallRun run(small_menu({sum_path("high", 5)}));
    run.output.keeps = true;
    MemoryInput input({sum_fragment(1, 8, 1, {9}), raw_fragment(1, 8, 2, "tracks"),
                       sum_fragment(1, 9, 1, {1}), raw_fragment(1, 9, 2, "tracks")});
    Pipeline pipeline(small_config(), run.ports(input));
    pipeline.run_to_end(test_clock);
    ASSERT_EQ(run.output.kept.size(), 1U);
    const auto event = streams::decode_selected_event(std::as_bytes(std::span(run.output.kept[0])));
    ASSERT_TRUE(event) << event.error();
    EXPECT_EQ(event->decision.event, 8U);
    EXPECT_EQ(event->decision.menu_hash, 42U);
    EXPECT_EQ(event->decision.paths.at(0).score, 9.0F);
    EXPECT_THAT(event->decision.stream_names, testing::ElementsAre("physics"));
    EXPECT_EQ(event->fragments.size(), 2U);
    EXPECT_GT(event->decision.latency_ns, 0U);
}

// The heart of the matter: workers, threads and batches change nothing about a decision.
TEST(Pipeline, decides_the_same_in_every_mode_with_any_number_of_workers) {
    const std::vector<std::string> messages = mixed_messages(3000);
    const auto decisions = [&](config::ThreadMode mode, std::uint32_t workers, std::size_t batch,
                               config::IdleStrategy idle) {
        SmallRun run(mixed_menu());
        MemoryInput input(messages);
        Pipeline pipeline(small_config(workers, batch), run.ports(input));
        {
            config::ThreadConfig config;
            config.mode = mode;
            config.workers = workers;
            config.idle = idle;
            const PipelineThreads threads(pipeline, config);
            EXPECT_TRUE(threads.wait_until_finished(std::chrono::seconds(60)));
        }
        expect_closed(pipeline.snapshot().run.books);
        EXPECT_EQ(pipeline.snapshot().run.books.in_flight, 0U);
        return run.log.sorted();
    };
    using config::IdleStrategy;
    using config::ThreadMode;
    const auto reference = decisions(ThreadMode::shared, 1, 1, IdleStrategy::yield);
    EXPECT_EQ(reference.size(), 3000U);
    EXPECT_EQ(decisions(ThreadMode::shared, 1, 32, IdleStrategy::park), reference);
    EXPECT_EQ(decisions(ThreadMode::shared, 2, 8, IdleStrategy::park), reference);
    EXPECT_EQ(decisions(ThreadMode::dedicated, 1, 32, IdleStrategy::park), reference);
    EXPECT_EQ(decisions(ThreadMode::dedicated, 2, 32, IdleStrategy::park), reference);
    EXPECT_EQ(decisions(ThreadMode::dedicated, 2, 3, IdleStrategy::yield), reference);
}

TEST(Pipeline, closes_its_books_at_every_turn) {
    SmallRun run(mixed_menu());
    MemoryInput input(mixed_messages(300));
    Pipeline::Config config = small_config();
    Pipeline pipeline(config, run.ports(input));
    std::uint64_t now = 1'000'000;
    while (!pipeline.is_finished()) {
        tests::set_test_clock(now += 60'000'000);  // a snapshot is published each turn
        pipeline.turn(test_clock);
        expect_closed(pipeline.snapshot().run.books);
    }
}

TEST(Pipeline, holds_the_input_back_while_an_output_blocks) {
    SmallRun run(small_menu({sum_path("all", -1)}));
    run.output.answer = SendResult::full;
    std::vector<std::string> messages;
    for (std::uint64_t number = 1; number <= 500; ++number) {
        messages.push_back(sum_fragment(1, number, 1, {1}));
        messages.push_back(raw_fragment(1, number, 2, "x"));
    }
    MemoryInput input(messages);
    Pipeline pipeline(small_config(), run.ports(input));
    for (int i = 0; i < 1000; ++i) {
        pipeline.turn(test_clock);
    }
    EXPECT_GE(input.left(), messages.size() - 2 * 64) << "no more than the pool was read";
    EXPECT_GT(input.left(), 0U);
    run.output.answer = SendResult::delivered;
    pipeline.run_to_end(test_clock);
    EXPECT_EQ(run.output.taken, 500U);
    const auto snapshot = pipeline.snapshot();
    expect_closed(snapshot.run.books);
    EXPECT_GT(snapshot.run.time.dead_ns, 0U);
    EXPECT_GT(snapshot.outputs[0].blocked, 0U);
}

TEST(Pipeline, sheds_under_overload_where_the_deployment_says_so) {
    SmallRun run(small_menu({sum_path("all", -1)}));
    run.output.answer = SendResult::full;
    std::vector<std::string> messages;
    for (std::uint64_t number = 1; number <= 500; ++number) {
        messages.push_back(sum_fragment(1, number, 1, {1}));
        messages.push_back(raw_fragment(1, number, 2, "x"));
    }
    MemoryInput input(messages);
    Pipeline::Config config = small_config();
    config.builder.overload = streams::OverloadPolicy::shed;
    Pipeline pipeline(config, run.ports(input));
    for (int i = 0; i < 1000; ++i) {
        pipeline.turn(test_clock);
    }
    EXPECT_EQ(input.left(), 0U);
    run.output.answer = SendResult::delivered;
    pipeline.run_to_end(test_clock);
    const Books books = pipeline.snapshot().run.books;
    expect_closed(books);
    EXPECT_EQ(books.builder.opened, 500U);
    EXPECT_EQ(books.of(Outcome::shed), 500U - 64);
    EXPECT_EQ(books.of(Delivery::delivered), 64U);
}

TEST(Pipeline, drops_what_a_full_output_refuses_when_that_is_its_policy) {
    SmallRun run(small_menu({sum_path("all", -1)}));
    run.full = config::FullPolicy::drop;
    run.output.answer = SendResult::full;
    MemoryInput input({sum_fragment(1, 1, 1, {1}), raw_fragment(1, 1, 2, "x")});
    Pipeline pipeline(small_config(), run.ports(input));
    pipeline.run_to_end(test_clock);
    const auto snapshot = pipeline.snapshot();
    expect_closed(snapshot.run.books);
    EXPECT_EQ(snapshot.run.books.of(Delivery::dropped_full), 1U);
    EXPECT_EQ(snapshot.outputs[0].dropped_full, 1U);
}

TEST(Pipeline, counts_selected_events_without_an_output_as_dropped) {
    SumModel model;
    const TriggerMenu menu = compile(small_menu({sum_path("all", -1)}), model);
    MemoryInput input({sum_fragment(1, 1, 1, {1}), raw_fragment(1, 1, 2, "x")});
    Pipeline pipeline(small_config(), {.menu = menu, .input = input, .outputs = {}});
    pipeline.run_to_end(test_clock);
    const Books books = pipeline.snapshot().run.books;
    expect_closed(books);
    EXPECT_EQ(books.of(Delivery::dropped_no_output), 1U);
}

TEST(Pipeline, abandons_open_events_and_finishes_queued_ones_when_it_drains) {
    SmallRun run(small_menu({sum_path("all", -1)}));
    MemoryInput input(
        {sum_fragment(1, 1, 1, {1}), raw_fragment(1, 1, 2, "x"), sum_fragment(1, 2, 1, {1})},
        MemoryInput::Kind::live);
    Pipeline pipeline(small_config(), run.ports(input));
    for (int i = 0; i < 10; ++i) {
        pipeline.turn(test_clock);
    }
    EXPECT_FALSE(pipeline.is_finished());
    pipeline.drain(UINT64_MAX);
    pipeline.run_to_end(test_clock);
    const Books books = pipeline.snapshot().run.books;
    expect_closed(books);
    EXPECT_EQ(books.of(Outcome::accepted), 1U);
    EXPECT_EQ(books.of(Outcome::abandoned), 1U);
    EXPECT_EQ(books.in_flight, 0U);
}

TEST(Pipeline, gives_up_on_a_blocked_output_at_the_end_of_the_time_to_drain) {
    SmallRun run(small_menu({sum_path("all", -1)}));
    run.output.answer = SendResult::full;
    MemoryInput input({sum_fragment(1, 1, 1, {1}), raw_fragment(1, 1, 2, "x")},
                      MemoryInput::Kind::live);
    Pipeline pipeline(small_config(), run.ports(input));
    tests::set_test_clock(1'000'000);
    pipeline.drain(2'000'000);
    for (int i = 0; i < 100; ++i) {
        pipeline.turn(test_clock);
    }
    // Nothing was read before the drain: there is nothing to finish.
    EXPECT_TRUE(pipeline.is_finished());

    MemoryInput again({sum_fragment(1, 1, 1, {1}), raw_fragment(1, 1, 2, "x")},
                      MemoryInput::Kind::live);
    Pipeline blocked(small_config(), run.ports(again));
    tests::set_test_clock(1'000'000);
    for (int i = 0; i < 10; ++i) {
        blocked.turn(test_clock);
    }
    blocked.drain(2'000'000);
    for (int i = 0; i < 10; ++i) {
        blocked.turn(test_clock);
    }
    EXPECT_FALSE(blocked.is_finished());
    tests::set_test_clock(3'000'000);
    for (int i = 0; i < 10; ++i) {
        blocked.turn(test_clock);
    }
    EXPECT_TRUE(blocked.is_finished());
    const Books books = blocked.snapshot().run.books;
    expect_closed(books);
    EXPECT_EQ(books.of(Delivery::dropped_draining), 1U);
}

TEST(Pipeline, routes_by_stream_and_reports_the_worst_of_several_outputs) {
    SumModel model;
    const TriggerMenu menu = compile(small_menu({sum_path("high", 5)}), model);
    MemoryOutput physics;
    MemoryOutput debug;
    debug.answer = SendResult::failed;
    MemoryInput input(
        {sum_fragment(1, 1, 1, {9}), raw_fragment(1, 1, 2, "x"), sum_fragment(1, 2, 1, {9})});
    Pipeline pipeline(small_config(),
                      {.menu = menu,
                       .input = input,
                       .outputs = {{.name = "physics", .output = &physics, .streams = 0b01},
                                   {.name = "debug", .output = &debug, .streams = 0b11}}});
    pipeline.run_to_end(test_clock);
    const auto snapshot = pipeline.snapshot();
    expect_closed(snapshot.run.books);
    EXPECT_EQ(physics.taken, 1U) << "the incomplete event is for the debug stream alone";
    EXPECT_EQ(snapshot.outputs[1].dropped_failed, 2U);
    EXPECT_EQ(snapshot.run.books.of(Delivery::dropped_failed), 2U);
}

}  // namespace
}  // namespace tamis::daemon
