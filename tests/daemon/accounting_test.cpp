#include "daemon/accounting.hpp"

#include <gtest/gtest.h>

namespace tamis::daemon {
namespace {

using streams::Decision;
using streams::Outcome;

Decision decision_of(Outcome outcome) {
    Decision decision;
    decision.outcome = outcome;
    decision.latency_ns = 1000;
    return decision;
}

TEST(Books, close_when_every_event_has_one_outcome_and_one_delivery) {
    Accounting accounting(0, 0, 0);
    accounting.book(decision_of(Outcome::accepted), Delivery::delivered);
    accounting.book(decision_of(Outcome::rejected), Delivery::not_selected);
    accounting.book(decision_of(Outcome::debug_malformed), Delivery::dropped_full);
    Books books = accounting.running().books;
    books.builder.opened = 4;
    books.in_flight = 1;
    EXPECT_TRUE(books.imbalance().is_zero());
    EXPECT_EQ(books.debug(), 1U);
    EXPECT_EQ(books.dropped(), 1U);
}

TEST(Books, show_a_lost_event_a_doubled_one_and_one_without_outcome) {
    Books lost;
    lost.builder.opened = 1;
    EXPECT_EQ(lost.imbalance().events, 1);

    Accounting twice(0, 0, 0);
    twice.book(decision_of(Outcome::rejected), Delivery::not_selected);
    twice.book(decision_of(Outcome::rejected), Delivery::not_selected);
    Books doubled = twice.running().books;
    doubled.builder.opened = 1;
    EXPECT_EQ(doubled.imbalance().events, -1);

    Accounting without(0, 0, 0);
    without.book(decision_of(Outcome::unspecified), Delivery::not_selected);
    Books undecided = without.running().books;
    undecided.builder.opened = 1;
    EXPECT_EQ(undecided.imbalance().events, 1);
}

TEST(Books, show_an_accepted_event_that_went_nowhere) {
    Accounting accounting(0, 0, 0);
    accounting.book(decision_of(Outcome::accepted), Delivery::not_selected);
    EXPECT_EQ(accounting.running().books.imbalance().deliveries, 1);
}

TEST(Books, show_a_fragment_that_was_counted_in_no_class) {
    Books books;
    books.fragments.received = 3;
    books.fragments.used = 2;
    EXPECT_EQ(books.imbalance().fragments, 1);
}

TEST(Accounting, counts_paths_and_streams) {
    Accounting accounting(2, 3, 0);
    Decision decision = decision_of(Outcome::accepted);
    decision.streams = 0b101;
    decision.paths = {{0, true, false, 2, 1.5F}, {1, false, true, 2, 1}};
    accounting.book(decision, Delivery::delivered);
    decision.paths = {{1, false, false, 0.5F, 1}};
    decision.streams = 0b100;
    accounting.book(decision, Delivery::delivered);
    const RunSnapshot& run = accounting.running();
    EXPECT_EQ(run.paths[0].seeded, 1U);
    EXPECT_EQ(run.paths[0].accepted, 1U);
    EXPECT_EQ(run.paths[0].last_threshold, 1.5F);
    EXPECT_EQ(run.paths[1].seeded, 2U);
    EXPECT_EQ(run.paths[1].accepted, 0U);
    EXPECT_EQ(run.paths[1].prescaled_away, 1U);
    EXPECT_EQ(run.streams[0].events, 1U);
    EXPECT_EQ(run.streams[1].events, 0U);
    EXPECT_EQ(run.streams[2].events, 2U);
}

TEST(Accounting, leaves_the_wait_of_incomplete_events_out_of_the_latency) {
    Accounting accounting(0, 0, 0);
    Decision incomplete = decision_of(Outcome::debug_incomplete);
    incomplete.is_incomplete = true;
    accounting.book(incomplete, Delivery::delivered);
    incomplete.outcome = Outcome::accepted;  // by a path that takes them
    accounting.book(incomplete, Delivery::delivered);
    EXPECT_EQ(accounting.running().decision_latency.count(), 0U);
    accounting.book(decision_of(Outcome::rejected), Delivery::not_selected);
    EXPECT_EQ(accounting.running().decision_latency.count(), 1U);
}

TEST(TimeAccount, adds_up_to_the_time_between_first_and_last_interval) {
    Accounting accounting(0, 0, 0);
    using Interval = Accounting::Interval;
    accounting.spend(1000, Interval::live);
    accounting.spend(1100, Interval::live);
    accounting.spend(1400, Interval::busy);
    accounting.spend(2000, Interval::dead);
    const TimeAccount& time = accounting.running().time;
    EXPECT_EQ(time.live_ns, 100U);
    EXPECT_EQ(time.busy_ns, 300U);
    EXPECT_EQ(time.dead_ns, 600U);
    EXPECT_EQ(time.total_ns(), 1000U);
    EXPECT_DOUBLE_EQ(
        time.fraction(time.live_ns) + time.fraction(time.busy_ns) + time.fraction(time.dead_ns),
        1.0);
}

}  // namespace
}  // namespace tamis::daemon
