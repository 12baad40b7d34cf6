#include "tests/streams/recording/sample_events.hpp"

#include "streams/wire.pb.h"

namespace tamis::tests {
namespace {

void fill(wire::Fragment& fragment, std::uint64_t event, std::uint32_t source, std::uint32_t run) {
    fragment.set_run(run);
    fragment.set_event(event);
    fragment.set_source(source);
    fragment.set_timestamp_ns(1'600'000'000'000'000'000ULL + event * 1'000'000ULL);
    fragment.set_sequence(event + 1);
    fragment.set_payload("event " + std::to_string(event) + " source " + std::to_string(source));
}

}  // namespace

std::string sample_fragment(std::uint64_t event, std::uint32_t source, std::uint32_t run) {
    wire::Fragment fragment;
    fill(fragment, event, source, run);
    return fragment.SerializeAsString();
}

std::string sample_selected_event(std::uint64_t event, const std::vector<std::string>& streams,
                                  std::uint32_t run) {
    wire::SelectedEvent selected;
    wire::Decision& decision = *selected.mutable_decision();
    decision.set_run(run);
    decision.set_event(event);
    decision.set_outcome(wire::ACCEPTED);
    decision.set_menu_hash(0xabcdef);
    decision.add_model_hash(5);
    wire::PathResult& path = *decision.add_paths();
    path.set_accepted(true);
    path.set_score(static_cast<float>(event) + 0.25F);
    path.set_threshold(0.125F);
    for (const std::string& stream : streams) {
        decision.add_streams(stream);
    }
    for (std::uint32_t source = 1; source <= 3; ++source) {
        fill(*selected.add_fragments(), event, source, run);
    }
    return selected.SerializeAsString();
}

}  // namespace tamis::tests
