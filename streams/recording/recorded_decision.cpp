#include "streams/recording/recorded_decision.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "streams/recording/wire_scan.hpp"
#include "streams/recording/wire_schema.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

bool is_before(const RecordedDecision& left, const RecordedDecision& right) {
    return std::tie(left.run, left.event) < std::tie(right.run, right.event);
}

bool is_same_event(const RecordedDecision& left, const RecordedDecision& right) {
    return left.run == right.run && left.event == right.event;
}

}  // namespace

std::optional<RecordedDecision> parse_decision(std::span<const std::byte> decision) {
    wire::Decision message;
    if (!message.ParseFromArray(decision.data(), static_cast<int>(decision.size()))) {
        return std::nullopt;
    }
    RecordedDecision result;
    result.run = message.run();
    result.event = message.event();
    result.outcome = static_cast<Outcome>(message.outcome());
    for (const wire::PathResult& path : message.paths()) {
        result.paths.push_back(
            {path.path(), path.accepted(), path.prescaled_away(), path.score(), path.threshold()});
    }
    result.streams.assign(message.streams().begin(), message.streams().end());
    result.menu_hash = message.menu_hash();
    result.model_hashes.assign(message.model_hash().begin(), message.model_hash().end());
    result.latency_ns = message.latency_ns();
    result.reasons.assign(message.reasons().begin(), message.reasons().end());
    return result;
}

const RecordedDecision* RecordedDecisions::find(std::uint32_t run, std::uint64_t event) const {
    RecordedDecision wanted;
    wanted.run = run;
    wanted.event = event;
    const auto found = std::lower_bound(decisions.begin(), decisions.end(), wanted, is_before);
    return found != decisions.end() && is_same_event(*found, wanted) ? &*found : nullptr;
}

tl::expected<RecordedDecisions, std::string> read_recorded_decisions(
    std::string_view path, const RecordingSelection& selection) {
    auto reader = RecordingReader::open(path, selection);
    if (!reader) {
        return tl::unexpected(std::move(reader.error()));
    }
    RecordedDecisions result;
    bool has_selected_events = false;
    while (const McapMessage* message = reader->next()) {
        const McapChannel* const channel = reader->file().find_channel(message->channel_id);
        const McapSchema* const schema = reader->file().find_schema(channel->schema_id);
        if (schema == nullptr || schema->name != kSelectedEventSchema) {
            continue;
        }
        has_selected_events = true;
        const auto head = scan_selected_event(message->contents);
        if (!head) {
            ++result.malformed_count;
            continue;
        }
        // The copies of an event that several streams have lie side by side.
        if (!result.decisions.empty() && result.decisions.back().run == head->run &&
            result.decisions.back().event == head->event) {
            continue;
        }
        if (auto decision = parse_decision(head->decision)) {
            result.decisions.push_back(std::move(*decision));
        } else {
            ++result.malformed_count;
        }
    }
    result.end = reader->end();
    result.end_reason = reader->end_reason();
    if (!has_selected_events && result.end == ReadEnd::complete) {
        for (const auto& [id, schema] : reader->file().seen().schemas) {
            has_selected_events = has_selected_events || schema.name == kSelectedEventSchema;
        }
        if (!has_selected_events) {
            return tl::unexpected(
                reader->file().path() + " holds no decisions (it has no channel of " +
                std::string(kSelectedEventSchema) + "); give a recording of selected events");
        }
    }
    std::stable_sort(result.decisions.begin(), result.decisions.end(), is_before);
    result.decisions.erase(
        std::unique(result.decisions.begin(), result.decisions.end(), is_same_event),
        result.decisions.end());
    return result;
}

}  // namespace tamis::streams
