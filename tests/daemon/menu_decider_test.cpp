#include "daemon/menu_decider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using config::PathKind;
using streams::Decision;
using streams::Event;
using streams::Outcome;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::small_menu;
using tests::sum_event;
using tests::sum_path;
using tests::SumModel;

// Decides the events in one batch.
std::vector<Decision> decide(const TriggerMenu& menu, const std::vector<Event>& events) {
    MenuDecider decider(menu, events.size());
    std::vector<Decision> decisions(events.size());
    std::vector<const Event*> event_pointers;
    std::vector<Decision*> decision_pointers;
    for (std::size_t i = 0; i < events.size(); ++i) {
        event_pointers.push_back(&events[i]);
        decision_pointers.push_back(&decisions[i]);
    }
    decider.decide(event_pointers, decision_pointers);
    return decisions;
}

config::Path seeded_path(const std::string& name, const std::string& quantity, double at_least) {
    config::Path path;
    path.name = name;
    path.seed.any_of = {
        {{.quantity = quantity, .comparison = config::Comparison::at_least, .value = at_least}}};
    path.streams = {"physics"};
    return path;
}

config::Path every_event(const std::string& name, PathKind kind) {
    config::Path path;
    path.name = name;
    path.kind = kind;
    if (kind != PathKind::veto) {
        path.streams = {"physics"};
    }
    return path;
}

// An event whose seeds and models have other things to say than the sum.
Event raw_event(std::uint64_t number) {
    Event event = sum_event(number, {});
    event.fragments[0].payload_type = streams::PayloadType::raw;
    return event;
}

TEST(MenuDecider, marks_what_was_decided_without_a_silent_source) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(small_menu({sum_path("high", 5)}), model);
    Event without = sum_event(1, {2, 4});
    without.sources_masked = 0b10;
    const auto decisions = decide(menu, {without, sum_event(2, {2, 4})});
    EXPECT_EQ(decisions[0].outcome, Outcome::accepted);
    EXPECT_THAT(decisions[0].reasons,
                ElementsAre("decided without a source that had fallen silent"));
    EXPECT_THAT(decisions[1].reasons, IsEmpty());
}

TEST(MenuDecider, accepts_above_the_threshold_and_says_score_and_threshold) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(small_menu({sum_path("high", 5)}), model);
    const auto decisions = decide(menu, {sum_event(1, {2, 4}), sum_event(2, {2, 3})});
    EXPECT_EQ(decisions[0].outcome, Outcome::accepted);
    EXPECT_EQ(decisions[0].streams, 0b01U);
    ASSERT_EQ(decisions[0].paths.size(), 1U);
    EXPECT_EQ(decisions[0].paths[0].score, 6.0F);
    EXPECT_EQ(decisions[0].paths[0].threshold, 5.0F);
    EXPECT_EQ(decisions[1].outcome, Outcome::rejected) << "5 is not above 5";
    EXPECT_EQ(decisions[1].streams, 0U);
    EXPECT_EQ(decisions[1].paths[0].score, 5.0F);
}

TEST(MenuDecider, keeps_what_the_model_says_of_accepted_events_only) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(small_menu({sum_path("high", 5)}), model);
    const auto decisions = decide(menu, {sum_event(1, {2, 4}), sum_event(2, {1, 1})});
    EXPECT_THAT(decisions[0].explanations[0].contributions, ElementsAre(2, 4));
    EXPECT_THAT(decisions[0].explanations[0].kept, ElementsAre(1));
    EXPECT_THAT(decisions[1].explanations[0].contributions, IsEmpty());
}

TEST(MenuDecider, asks_the_model_for_the_threshold_of_a_working_point) {
    const SumModel model;
    config::Path path = sum_path("tight", 0);
    path.cut->threshold.reset();
    path.cut->working_point = "tight";
    const TriggerMenu menu = tests::compile(small_menu({path}), model);
    const auto decisions = decide(menu, {sum_event(1, {101}), sum_event(2, {99})});
    EXPECT_EQ(decisions[0].outcome, Outcome::accepted);
    EXPECT_EQ(decisions[0].paths[0].threshold, 100.0F);
    EXPECT_EQ(decisions[1].outcome, Outcome::rejected);
}

TEST(MenuDecider, scores_an_event_once_however_many_paths_ask) {
    const SumModel model;
    const TriggerMenu menu =
        tests::compile(small_menu({sum_path("a", 1), sum_path("b", 2), sum_path("c", 3)}), model);
    decide(menu, {sum_event(1, {5}), sum_event(2, {5})});
    EXPECT_EQ(model.evaluations(), 2U);
}

TEST(MenuDecider, does_not_score_when_every_seed_that_needs_the_model_fails) {
    const SumModel model;
    config::Path path = sum_path("seeded", 1);
    path.seed = seeded_path("", "has_physics_objects", 1).seed;
    const TriggerMenu menu = tests::compile(small_menu({path}), model);
    const auto decisions = decide(menu, {sum_event(1, {5})});
    EXPECT_EQ(model.evaluations(), 0U);
    EXPECT_EQ(decisions[0].outcome, Outcome::rejected);
    EXPECT_THAT(decisions[0].paths, IsEmpty());
}

TEST(MenuDecider, does_not_score_for_a_path_that_is_switched_off) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(small_menu({sum_path("off", 1, 0)}), model);
    const auto decisions = decide(menu, {sum_event(1, {5})});
    EXPECT_EQ(model.evaluations(), 0U);
    EXPECT_EQ(decisions[0].outcome, Outcome::rejected);
}

TEST(MenuDecider, says_what_only_the_prescale_kept_back) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(small_menu({sum_path("rare", 1, 10)}), model);
    std::vector<Event> events;
    for (std::uint64_t number = 0; number < 200; ++number) {
        events.push_back(sum_event(number, {number % 2 == 0 ? 5.0F : 0.5F}));
    }
    const auto decisions = decide(menu, events);
    int accepted = 0;
    for (std::size_t i = 0; i < decisions.size(); ++i) {
        const streams::PathResult& result = decisions[i].paths.at(0);
        const bool kept = Prescale("rare", 10).keeps(1, i);
        EXPECT_EQ(result.accepted, i % 2 == 0 && kept);
        EXPECT_EQ(result.prescaled_away, i % 2 == 0 && !kept);
        accepted += result.accepted ? 1 : 0;
    }
    EXPECT_GT(accepted, 0);
}

TEST(MenuDecider, sends_an_incomplete_event_to_the_debug_stream_unscored) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(
        small_menu({sum_path("high", 5), every_event("all", PathKind::force_accept)}), model);
    Event incomplete = sum_event(1, {9});
    incomplete.state = streams::EventState::incomplete;
    Event inconsistent = sum_event(2, {9});
    inconsistent.state = streams::EventState::inconsistent;
    const auto decisions = decide(menu, {incomplete, inconsistent});
    EXPECT_EQ(decisions[0].outcome, Outcome::debug_incomplete);
    EXPECT_EQ(decisions[0].streams, menu.debug_streams());
    EXPECT_THAT(decisions[0].paths, IsEmpty());
    EXPECT_EQ(decisions[1].outcome, Outcome::debug_malformed);
    EXPECT_THAT(decisions[1].reasons, ElementsAre("a source sent two different fragments"));
    EXPECT_EQ(model.evaluations(), 0U);
}

TEST(MenuDecider, decides_an_incomplete_event_by_the_paths_that_take_it) {
    const SumModel model;
    config::Path takes = sum_path("takes", 5);
    takes.takes_incomplete = true;
    const TriggerMenu menu =
        tests::compile(small_menu({every_event("all", PathKind::force_accept), takes}), model);
    Event high = sum_event(1, {9});
    Event low = sum_event(2, {1});
    Event complete = sum_event(3, {1});
    high.state = low.state = streams::EventState::incomplete;
    const auto decisions = decide(menu, {high, low, complete});
    EXPECT_EQ(decisions[0].outcome, Outcome::accepted);
    ASSERT_EQ(decisions[0].paths.size(), 1U) << "the other path does not see it";
    EXPECT_EQ(decisions[0].paths[0].path, 1U);
    EXPECT_EQ(decisions[0].streams, menu.paths()[1].streams);
    EXPECT_THAT(decisions[0].reasons, ElementsAre("incomplete"));
    EXPECT_EQ(decisions[1].outcome, Outcome::debug_incomplete);
    EXPECT_EQ(decisions[1].streams, menu.debug_streams());
    EXPECT_THAT(decisions[1].paths, IsEmpty());
    EXPECT_TRUE(decisions[0].is_incomplete && decisions[1].is_incomplete);
    EXPECT_EQ(decisions[2].outcome, Outcome::accepted);
    EXPECT_FALSE(decisions[2].is_incomplete);
}

TEST(MenuDecider, holds_an_incomplete_event_by_a_veto_that_takes_it_only) {
    const SumModel model;
    config::Path takes = sum_path("takes", 5);
    takes.takes_incomplete = true;
    config::Path veto = sum_path("veto", 5);
    veto.kind = PathKind::veto;
    veto.streams.clear();
    Event event = sum_event(1, {9});
    event.state = streams::EventState::incomplete;
    for (const bool veto_takes : {false, true}) {
        veto.takes_incomplete = veto_takes;
        const TriggerMenu menu = tests::compile(small_menu({takes, veto}), model);
        const auto decisions = decide(menu, {event});
        EXPECT_EQ(decisions[0].outcome, veto_takes ? Outcome::debug_incomplete : Outcome::accepted);
    }
}

TEST(MenuDecider, sends_a_broken_payload_to_the_debug_stream_with_its_reason) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(
        small_menu({sum_path("high", 5), every_event("all", PathKind::force_accept)}), model);
    Event broken = sum_event(1, {9});
    broken.fragments[0].payload.assign(7, std::byte{0xff});
    const auto decisions = decide(menu, {broken, sum_event(2, {9})});
    EXPECT_EQ(decisions[0].outcome, Outcome::debug_malformed);
    EXPECT_EQ(decisions[0].streams, menu.debug_streams());
    ASSERT_EQ(decisions[0].reasons.size(), 1U);
    EXPECT_FALSE(decisions[0].reasons[0].empty());
    EXPECT_EQ(decisions[1].outcome, Outcome::accepted) << "the other event of the batch is whole";
}

TEST(MenuDecider, fails_the_path_when_the_payload_is_absent) {
    const SumModel model;
    const TriggerMenu menu = tests::compile(small_menu({sum_path("high", -1000)}), model);
    const auto decisions = decide(menu, {raw_event(1)});
    EXPECT_EQ(decisions[0].outcome, Outcome::rejected);
    ASSERT_EQ(decisions[0].paths.size(), 1U);
    EXPECT_FALSE(decisions[0].paths[0].accepted);
}

TEST(MenuDecider, lets_a_veto_stop_selections_but_not_forced_nor_random_ones) {
    const SumModel model;
    config::Path veto = sum_path("noise", 50);
    veto.kind = PathKind::veto;
    veto.streams.clear();
    const auto menu_of = [&](PathKind kind) {
        return tests::compile(small_menu({every_event("other", kind), veto}), model);
    };
    const TriggerMenu selecting = menu_of(PathKind::select);  // owns the words of its decisions
    const auto selected = decide(selecting, {sum_event(1, {60}), sum_event(2, {40})});
    EXPECT_EQ(selected[0].outcome, Outcome::rejected);
    EXPECT_THAT(selected[0].reasons, ElementsAre("veto noise"));
    EXPECT_EQ(selected[1].outcome, Outcome::accepted);
    for (const PathKind kind : {PathKind::force_accept, PathKind::pass_through}) {
        const TriggerMenu unmoved = menu_of(kind);
        EXPECT_EQ(decide(unmoved, {sum_event(1, {60})})[0].outcome, Outcome::accepted);
    }
}

TEST(MenuDecider, never_prescales_a_forced_path) {
    const SumModel model;
    config::Path forced = every_event("forced", PathKind::force_accept);
    forced.prescale = 1'000'000;
    const TriggerMenu menu = tests::compile(small_menu({forced}), model);
    for (const Decision& decision : decide(menu, {sum_event(1, {0}), sum_event(2, {0})})) {
        EXPECT_EQ(decision.outcome, Outcome::accepted);
    }
}

TEST(MenuDecider, joins_the_streams_of_all_accepted_paths) {
    const SumModel model;
    config::Path also = sum_path("also", 2);
    also.streams = {"debug"};
    const TriggerMenu menu = tests::compile(small_menu({sum_path("high", 1), also}), model);
    const auto decisions = decide(menu, {sum_event(1, {1.5F}), sum_event(2, {3})});
    EXPECT_EQ(decisions[0].streams, 0b01U);
    EXPECT_EQ(decisions[1].streams, 0b11U);
}

// The decision of an event is the same in a batch of any size, at any place, after any other event.
TEST(MenuDecider, decides_the_same_in_every_batch) {
    const SumModel model;
    config::Path seeded = sum_path("few", 20, 3);
    const TriggerMenu menu = tests::compile(small_menu({sum_path("high", 5), seeded}), model);
    std::vector<Event> events;
    for (std::uint64_t number = 0; number < 40; ++number) {
        events.push_back(sum_event(number, {static_cast<float>(number), 0.1F}));
    }
    events[7].state = streams::EventState::incomplete;
    events[11].fragments[0].payload.assign(3, std::byte{0xff});
    const auto together = decide(menu, events);
    MenuDecider one_by_one(menu, 1);
    Decision reused;
    for (std::size_t i = events.size(); i-- > 0;) {
        const Event* event = &events[i];
        Decision* decision = &reused;
        one_by_one.decide({&event, 1}, {&decision, 1});
        EXPECT_EQ(reused.outcome, together[i].outcome);
        EXPECT_EQ(reused.streams, together[i].streams);
        EXPECT_EQ(reused.paths, together[i].paths);
        EXPECT_EQ(reused.reasons, together[i].reasons);
    }
}

TEST(TriggerPath, compares_as_the_menu_says) {
    using config::Comparison;
    EXPECT_FALSE(holds(Comparison::above, 2, 2));
    EXPECT_TRUE(holds(Comparison::at_least, 2, 2));
    EXPECT_FALSE(holds(Comparison::below, 2, 2));
    EXPECT_TRUE(holds(Comparison::at_most, 2, 2));
    EXPECT_TRUE(holds(Comparison::equal, 2, 2));
    EXPECT_FALSE(holds(Comparison::equal, 2, 3));
}

}  // namespace
}  // namespace tamis::daemon
