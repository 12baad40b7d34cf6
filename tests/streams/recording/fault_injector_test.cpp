// Injected faults: the same seed does the same, and what they make of a node's books is what the
// event builder counts.
#include "streams/recording/fault_injector.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "streams/event_builder.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using tests::as_bytes;

constexpr std::uint64_t kEvents = 4000;
constexpr std::uint32_t kSources = 3;
constexpr std::uint64_t kWindowNs = 1'000'000;
constexpr std::uint64_t kEventNs = 1000;

std::string message_of(std::uint64_t event, std::uint32_t source) {
    const std::string payload =
        source == 3 ? std::string() : "payload " + std::to_string(event * 10 + source);
    Fragment fragment = tests::make_fragment(1, event, source, payload);
    fragment.sequence = event;
    return tests::make_message(fragment);
}

FaultOptions some_of_each() {
    FaultOptions options;
    options.seed = 7;
    options.loss = 0.02;
    options.duplicate = 0.05;
    options.reorder = 0.1;
    options.reorder_window = 64;
    options.late = 0.01;
    options.late_ns = 3 * kWindowNs;
    options.delay = 0.02;
    options.delay_ns = kWindowNs / 4;
    options.corrupt = 0.02;
    options.silence = FaultOptions::Silence{.source = 2, .first_event = 100, .last_event = 199};
    return options;
}

// A replay of kEvents events into an event builder, on a clock of its own.
class InjectedRun {
 public:
    explicit InjectedRun(const FaultOptions& options)
        : injector_(options, [this](const InjectedFault& fault) { told_.push_back(fault); }),
          pool_({4096, kSources, std::size_t{1} << 24}),
          builder_(config(), pool_) {
        std::uint64_t now = 0;
        for (std::uint64_t event = 1; event <= kEvents; ++event, now += kEventNs) {
            for (std::uint32_t source = 1; source <= kSources; ++source) {
                injector_.offer(as_bytes(message_of(event, source)), now);
            }
            take(now);
        }
        injector_.release_reordered(now);
        while (const auto due = injector_.next_due_ns()) {
            now = std::max(now, *due);
            take(now);
        }
        builder_.close_all();
    }

    static EventBuilder::Config config() {
        EventBuilder::Config config;
        config.sources = {1, 2, 3};
        config.window_ns = kWindowNs;
        config.hash_seed = 1;
        return config;
    }

    void take(std::uint64_t now) {
        builder_.poll(now);
        while (const auto outgoing = injector_.next(now)) {
            messages_.emplace_back(reinterpret_cast<const char*>(outgoing->message.data()),
                                   outgoing->message.size());
            builder_.on_message(outgoing->message, now);
            while (const auto index = builder_.next_closed()) {
                builder_.release(*index);
            }
        }
    }

    std::vector<InjectedFault> told_;
    std::vector<std::string> messages_;
    FaultInjector injector_;
    EventPool pool_;
    EventBuilder builder_;
};

TEST(FaultInjector, foretells_the_books_of_the_event_builder) {
    const InjectedRun run(some_of_each());
    const ExpectedBooks expected = run.injector_.expected();
    const FragmentCounters& fragments = run.builder_.fragments();
    EXPECT_EQ(fragments.received, expected.received);
    EXPECT_EQ(fragments.used, expected.used);
    EXPECT_EQ(fragments.duplicate_same + fragments.duplicate_late, expected.duplicates);
    EXPECT_EQ(fragments.late, expected.late);
    EXPECT_EQ(fragments.bad_checksum, expected.bad_checksum);
    EXPECT_EQ(fragments.malformed + fragments.duplicate_different, 0U);
    EXPECT_EQ(run.builder_.events().opened, expected.opened);
    EXPECT_EQ(run.builder_.events().incomplete, expected.incomplete);
    EXPECT_GT(expected.late, 80U);
    EXPECT_GT(expected.duplicates, 400U);
    EXPECT_GT(expected.bad_checksum, 150U);
    const auto sources = run.injector_.sources();
    for (std::uint32_t source = 1; source <= kSources; ++source) {
        const SourceFaults& injected = sources.at(source);
        const SourceCounters& counted = run.builder_.source(source - 1);
        EXPECT_EQ(counted.lost(), injected.lost) << source;
        EXPECT_EQ(counted.sequence_reordered, injected.out_of_order) << source;
        EXPECT_EQ(counted.duplicates, injected.faults[static_cast<std::size_t>(Fault::duplicate)])
            << source;
    }
    EXPECT_EQ(sources.at(2).faults[static_cast<std::size_t>(Fault::silence)], 100U);
}

TEST(FaultInjector, tells_every_fault_once_with_the_fragment_it_struck) {
    const InjectedRun run(some_of_each());
    std::map<Fault, std::uint64_t> told;
    std::set<std::pair<std::uint32_t, std::uint64_t>> struck;
    for (const InjectedFault& fault : run.told_) {
        ++told[fault.fault];
        EXPECT_EQ(fault.sequence, fault.event);
        EXPECT_TRUE(struck.emplace(fault.source, fault.event).second);
    }
    std::map<Fault, std::uint64_t> counted;
    for (const auto& [id, source] : run.injector_.sources()) {
        for (std::size_t kind = 1; kind < kFaultCount; ++kind) {
            counted[static_cast<Fault>(kind)] += source.faults[kind];
        }
    }
    EXPECT_EQ(told, counted);
    EXPECT_EQ(told.size(), kFaultCount - 1) << "some of each kind";
}

TEST(FaultInjector, does_the_same_for_the_same_seed_and_other_things_for_another) {
    const InjectedRun one(some_of_each());
    const InjectedRun again(some_of_each());
    EXPECT_EQ(one.messages_, again.messages_);
    FaultOptions other = some_of_each();
    other.seed = 8;
    EXPECT_NE(one.messages_, InjectedRun(other).messages_);
}

TEST(FaultInjector, leaves_everything_as_it_is_without_faults) {
    const InjectedRun run(FaultOptions{});
    ASSERT_EQ(run.messages_.size(), kEvents * kSources);
    for (std::uint64_t event = 1; event <= kEvents; ++event) {
        for (std::uint32_t source = 1; source <= kSources; ++source) {
            EXPECT_EQ(run.messages_[(event - 1) * kSources + source - 1],
                      message_of(event, source));
        }
    }
    EXPECT_EQ(run.builder_.events().complete, kEvents);
}

TEST(FaultInjector, overtakes_a_fragment_by_no_more_than_the_window) {
    FaultOptions options;
    options.reorder = 0.3;
    options.reorder_window = 5;
    const InjectedRun run(options);
    std::map<std::uint32_t, std::uint64_t> passed;  // by source, of fragments that kept their place
    FragmentDecoder decoder;
    std::uint64_t overtaken = 0;
    for (const std::string& message : run.messages_) {
        const auto fragment = decoder.decode(as_bytes(message));
        ASSERT_TRUE(fragment);
        const PlannedFault plan = plan_fault(options, *fragment);
        if (plan.fault == Fault::reorder) {
            ++overtaken;
            EXPECT_LE(plan.after, 5U);
            EXPECT_GE(plan.after, 1U);
        } else {
            EXPECT_GT(fragment->sequence, passed[fragment->source]) << "others keep their order";
            passed[fragment->source] = fragment->sequence;
        }
    }
    EXPECT_GT(overtaken, 3000U);
}

TEST(FaultInjector, fractions_come_out_as_asked_for) {
    FaultOptions options;
    options.loss = 0.1;
    const InjectedRun run(options);
    const double lost = static_cast<double>(run.told_.size()) / (kEvents * kSources);
    EXPECT_NEAR(lost, 0.1, 0.011);  // four standard deviations
    EXPECT_EQ(run.messages_.size() + run.told_.size(), kEvents * kSources);
}

TEST(FaultInjector, gives_a_fragment_without_checksum_one_that_is_wrong) {
    FaultOptions options;
    options.corrupt = 1;
    FaultInjector injector(options, [](const InjectedFault&) {});
    std::string message;
    encode_fragment(tests::make_fragment(1, 2, 3), Checksum::as_given, message);
    injector.offer(as_bytes(message), 0);
    const auto outgoing = injector.next(0);
    ASSERT_TRUE(outgoing);
    const auto decoded = FragmentDecoder{}.decode(outgoing->message);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error(), FragmentFault::bad_checksum);
}

}  // namespace
}  // namespace tamis::streams
