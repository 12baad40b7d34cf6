#include "streams/selected_event.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "streams/wire.pb.h"
#include "tests/support/allocation_guard.hpp"
#include "tests/support/fragment_maker.hpp"

namespace tamis::streams {
namespace {

using tests::as_bytes;

Event make_event() {
    Event event;
    event.run = 3;
    event.number = 1000;
    event.state = EventState::complete;
    event.sources_seen = 0b101;  // the second source was not seen
    event.fragments.resize(3);
    for (std::uint32_t i = 0; i < 3; ++i) {
        EventFragment& fragment = event.fragments[i];
        fragment.source = 10 + i;
        fragment.timestamp_ns = 77;
        fragment.sequence = i;
        fragment.payload_type = PayloadType{i};
        fragment.payload.assign(300 * i, std::byte{0xab});
        if (i == 2) {
            fragment.crc32c = 12345;
        }
    }
    return event;
}

Decision make_decision() {
    Decision decision;
    decision.run = 3;
    decision.event = 1000;
    decision.outcome = Outcome::accepted;
    decision.streams = 0b101;
    decision.paths = {{0, true, false, 0.75F, 0.5F},
                      {200, false, true, -0.0F, std::numeric_limits<float>::infinity()}};
    decision.explanations.push_back({1, {1.5F, 0, -2}, {0, 300}});
    decision.explanations.push_back({0, {}, {}});   // nothing to tell: not sent
    decision.explanations.push_back({9, {}, {4}});  // a model the context does not name
    decision.latency_ns = 123'456;
    decision.reasons = {"first", ""};
    return decision;
}

DecisionContext make_context() {
    DecisionContext context;
    context.menu_hash = 0xfeedU;
    context.model_hashes = {11, 22};
    context.model_names = {"vae", "ringer"};
    context.stream_names = {"physics", "debug", "monitoring"};
    return context;
}

// The same by the generated classes.
wire::SelectedEvent generated() {
    wire::SelectedEvent message;
    wire::Decision& decision = *message.mutable_decision();
    decision.set_run(3);
    decision.set_event(1000);
    decision.set_outcome(wire::ACCEPTED);
    for (const PathResult& path : make_decision().paths) {
        wire::PathResult& result = *decision.add_paths();
        result.set_path(path.path);
        result.set_accepted(path.accepted);
        result.set_prescaled_away(path.prescaled_away);
        result.set_score(path.score);
        result.set_threshold(path.threshold);
    }
    decision.add_streams("physics");
    decision.add_streams("monitoring");
    decision.set_menu_hash(0xfeed);
    decision.add_model_hash(11);
    decision.add_model_hash(22);
    decision.set_latency_ns(123'456);
    decision.add_reasons("first");
    decision.add_reasons("");
    wire::ModelResult& model = *decision.add_models();
    model.set_model(1);
    model.set_name("ringer");
    for (const float value : {1.5F, 0.0F, -2.0F}) {
        model.add_contributions(value);
    }
    model.add_kept(0);
    model.add_kept(300);
    wire::ModelResult& unnamed = *decision.add_models();
    unnamed.set_model(9);
    unnamed.add_kept(4);
    for (const std::uint32_t i : {0U, 2U}) {
        wire::Fragment& fragment = *message.add_fragments();
        fragment.set_run(3);
        fragment.set_event(1000);
        fragment.set_source(10 + i);
        fragment.set_timestamp_ns(77);
        fragment.set_sequence(i);
        fragment.set_payload_type(static_cast<wire::PayloadType>(i));
        fragment.set_payload(std::string(300 * i, '\xab'));
        if (i == 2) {
            fragment.set_crc32c(12345);
        }
    }
    return message;
}

TEST(SelectedEvent, is_written_as_protocol_buffers_write_it) {
    std::string message;
    encode_selected_event(make_event(), make_decision(), make_context(), message);
    EXPECT_EQ(message, generated().SerializeAsString());
    encode_selected_event(Event{}, Decision{}, DecisionContext{}, message);
    wire::SelectedEvent empty;
    empty.mutable_decision();
    EXPECT_EQ(message, empty.SerializeAsString());
}

TEST(SelectedEvent, is_read_back_whole) {
    std::string message;
    const Decision given = make_decision();
    encode_selected_event(make_event(), given, make_context(), message);
    const auto event = decode_selected_event(as_bytes(message));
    ASSERT_TRUE(event) << event.error();
    const ReadDecision& decision = event->decision;
    EXPECT_EQ(decision.run, 3U);
    EXPECT_EQ(decision.event, 1000U);
    EXPECT_EQ(decision.outcome, Outcome::accepted);
    EXPECT_EQ(decision.paths, given.paths);
    EXPECT_EQ(decision.stream_names, (std::vector<std::string>{"physics", "monitoring"}));
    EXPECT_EQ(decision.menu_hash, 0xfeedU);
    EXPECT_EQ(decision.model_hashes, (std::vector<std::uint64_t>{11, 22}));
    EXPECT_EQ(decision.latency_ns, 123'456U);
    EXPECT_EQ(decision.reasons, (std::vector<std::string>{"first", ""}));
    ASSERT_EQ(decision.explanations.size(), 2U);
    EXPECT_EQ(decision.explanations[0],
              (ReadExplanation{1, "ringer", {1.5F, 0.0F, -2.0F}, {0, 300}}));
    ASSERT_EQ(event->fragments.size(), 2U);
    EXPECT_EQ(event->fragments[1].source, 12U);
    EXPECT_EQ(event->fragments[1].payload_type, PayloadType::calorimeter_clusters);
    EXPECT_EQ(event->fragments[1].payload, make_event().fragments[2].payload);
    EXPECT_EQ(event->fragments[1].crc32c, 12345U);
}

TEST(SelectedEvent, too_large_or_malformed_is_refused_with_a_reason) {
    std::string message;
    encode_selected_event(make_event(), make_decision(), make_context(), message);
    const auto large = decode_selected_event(as_bytes(message), 100);
    ASSERT_FALSE(large);
    EXPECT_THAT(large.error(), testing::HasSubstr("at most 100"));
    message.resize(message.size() / 2);
    const auto broken = decode_selected_event(as_bytes(message));
    ASSERT_FALSE(broken);
    EXPECT_THAT(broken.error(), testing::HasSubstr("malformed"));
}

TEST(SelectedEvent, survives_any_bytes) {
    std::string good;
    encode_selected_event(make_event(), make_decision(), make_context(), good);
    std::mt19937_64 random(3);
    std::size_t read = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string message = good;
        for (std::size_t n = 1 + random() % 8; n > 0; --n) {
            message[random() % 100] = static_cast<char>(random());
        }
        read += decode_selected_event(as_bytes(message)) ? 1 : 0;
    }
    EXPECT_GT(read, 100U);
}

TEST(SelectedEvent, written_into_a_used_buffer_allocates_nothing) {
    const Event event = make_event();
    const Decision decision = make_decision();
    const DecisionContext context = make_context();
    std::string message;
    encode_selected_event(event, decision, context, message);
    const tests::AllocationGuard guard;
    encode_selected_event(event, decision, context, message);
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace tamis::streams
