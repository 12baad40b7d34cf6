#include "streams/recording/recorded_decision.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <tuple>
#include <utility>

#include "streams/recording/recording_reader.hpp"
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

std::string describe(std::string_view what, std::string_view recorded, std::string_view now) {
    std::string text(what);
    text.append(": ").append(recorded).append(" recorded, ").append(now).append(" now");
    return text;
}

std::string describe(float value) {
    char text[48];
    std::snprintf(text, sizeof(text), "%.9g (%08x)", static_cast<double>(value),
                  std::bit_cast<std::uint32_t>(value));
    return text;
}

std::string_view describe(bool value) { return value ? "yes" : "no"; }

bool is_same(float left, float right) {
    return std::bit_cast<std::uint32_t>(left) == std::bit_cast<std::uint32_t>(right);
}

std::string describe_path(const PathResult& recorded, const PathResult& now) {
    const std::string path = " of path " + std::to_string(recorded.path);
    if (recorded.path != now.path) {
        return describe("path", std::to_string(recorded.path), std::to_string(now.path));
    }
    if (!is_same(recorded.score, now.score)) {
        return describe("score" + path, describe(recorded.score), describe(now.score));
    }
    if (!is_same(recorded.threshold, now.threshold)) {
        return describe("threshold" + path, describe(recorded.threshold), describe(now.threshold));
    }
    if (recorded.accepted != now.accepted) {
        return describe("verdict" + path, describe(recorded.accepted), describe(now.accepted));
    }
    if (recorded.prescaled_away != now.prescaled_away) {
        return describe("prescale" + path, describe(recorded.prescaled_away),
                        describe(now.prescaled_away));
    }
    return {};
}

std::string join_sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) {
        text += text.empty() ? name : ", " + name;
    }
    return text.empty() ? "none" : text;
}

std::vector<std::string> names_of(StreamMask streams, const DecisionContext& context) {
    std::vector<std::string> names;
    for (; streams != 0; streams &= streams - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(streams));
        names.push_back(bit < context.stream_names.size() ? context.stream_names[bit]
                                                          : "stream " + std::to_string(bit));
    }
    return names;
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

tl::expected<RecordedDecisions, std::string> read_recorded_decisions(std::string_view path) {
    auto reader = RecordingReader::open(path);
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

std::string describe_difference(const RecordedDecision& recorded, const Decision& now,
                                const DecisionContext& context) {
    if (recorded.menu_hash != context.menu_hash) {
        return describe("menu hash", std::to_string(recorded.menu_hash),
                        std::to_string(context.menu_hash));
    }
    const std::size_t paths = std::min(recorded.paths.size(), now.paths.size());
    for (std::size_t index = 0; index < paths; ++index) {
        if (auto text = describe_path(recorded.paths[index], now.paths[index]); !text.empty()) {
            return text;
        }
    }
    if (recorded.paths.size() != now.paths.size()) {
        return describe("number of paths", std::to_string(recorded.paths.size()),
                        std::to_string(now.paths.size()));
    }
    if (recorded.outcome != now.outcome) {
        return describe("outcome", to_string(recorded.outcome), to_string(now.outcome));
    }
    const std::string streams_recorded = join_sorted(recorded.streams);
    const std::string streams_now = join_sorted(names_of(now.streams, context));
    return streams_recorded == streams_now ? std::string()
                                           : describe("streams", streams_recorded, streams_now);
}

}  // namespace tamis::streams
