#include "streams/selected_event.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <bit>
#include <cstring>
#include <gsl/assert>
#include <string_view>

#include "streams/fragment_layout.hpp"
#include "streams/protobuf_log.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

using google::protobuf::io::CodedOutputStream;
using Wire = google::protobuf::internal::WireFormatLite;

// Two targets for the same listing of fields: one counts bytes, the other writes them.
struct Size {
    std::size_t bytes = 0;
    void varint(std::uint64_t value) noexcept { bytes += CodedOutputStream::VarintSize64(value); }
    void fixed32(std::uint32_t) noexcept { bytes += 4; }
    void fixed64(std::uint64_t) noexcept { bytes += 8; }
    void text(std::string_view value) noexcept { bytes += value.size(); }
    void fragment(const Fragment&, std::size_t size) noexcept { bytes += size; }
};

struct Text {
    std::uint8_t* at;
    void varint(std::uint64_t value) noexcept {
        at = CodedOutputStream::WriteVarint64ToArray(value, at);
    }
    void fixed32(std::uint32_t value) noexcept {
        at = CodedOutputStream::WriteLittleEndian32ToArray(value, at);
    }
    void fixed64(std::uint64_t value) noexcept {
        at = CodedOutputStream::WriteLittleEndian64ToArray(value, at);
    }
    void text(std::string_view value) noexcept {
        at = CodedOutputStream::WriteRawToArray(value.data(), static_cast<int>(value.size()), at);
    }
    void fragment(const Fragment& value, std::size_t) noexcept { at = write_fragment(value, at); }
};

template <class Out>
void put_tag(Out& out, int field, Wire::WireType type) noexcept {
    out.varint(Wire::MakeTag(field, type));
}

// Scalars that are zero are not written, as proto3 has it.
template <class Out>
void put_varint(Out& out, int field, std::uint64_t value) noexcept {
    if (value != 0) {
        put_tag(out, field, Wire::WIRETYPE_VARINT);
        out.varint(value);
    }
}

template <class Out>
void put_fixed64(Out& out, int field, std::uint64_t value) noexcept {
    if (value != 0) {
        put_tag(out, field, Wire::WIRETYPE_FIXED64);
        out.fixed64(value);
    }
}

template <class Out>
void put_float(Out& out, int field, float value) noexcept {
    if (const auto bits = std::bit_cast<std::uint32_t>(value); bits != 0) {
        put_tag(out, field, Wire::WIRETYPE_FIXED32);
        out.fixed32(bits);
    }
}

template <class Out>
void put_text(Out& out, int field, std::string_view value) noexcept {
    put_tag(out, field, Wire::WIRETYPE_LENGTH_DELIMITED);
    out.varint(value.size());
    out.text(value);
}

// A message inside a message: `put` lists its fields.
template <class Out, class Put>
void put_message(Out& out, int field, const Put& put) noexcept {
    Size size;
    put(size);
    put_tag(out, field, Wire::WIRETYPE_LENGTH_DELIMITED);
    out.varint(size.bytes);
    put(out);
}

template <class Out>
void put_path(Out& out, const PathResult& path) noexcept {
    put_varint(out, wire::PathResult::kPathFieldNumber, path.path);
    put_varint(out, wire::PathResult::kAcceptedFieldNumber, path.accepted ? 1 : 0);
    put_varint(out, wire::PathResult::kPrescaledAwayFieldNumber, path.prescaled_away ? 1 : 0);
    put_float(out, wire::PathResult::kScoreFieldNumber, path.score);
    put_float(out, wire::PathResult::kThresholdFieldNumber, path.threshold);
}

template <class Out>
void put_explanation(Out& out, const ModelExplanation& explanation,
                     const DecisionContext& context) noexcept {
    put_varint(out, wire::ModelResult::kModelFieldNumber, explanation.model);
    if (explanation.model < context.model_names.size() &&
        !context.model_names[explanation.model].empty()) {
        put_text(out, wire::ModelResult::kNameFieldNumber, context.model_names[explanation.model]);
    }
    if (!explanation.contributions.empty()) {
        put_tag(out, wire::ModelResult::kContributionsFieldNumber, Wire::WIRETYPE_LENGTH_DELIMITED);
        out.varint(4 * explanation.contributions.size());
        for (const float value : explanation.contributions) {
            out.fixed32(std::bit_cast<std::uint32_t>(value));
        }
    }
    if (!explanation.kept.empty()) {
        put_message(out, wire::ModelResult::kKeptFieldNumber, [&](auto& packed) noexcept {
            for (const std::uint32_t value : explanation.kept) {
                packed.varint(value);
            }
        });
    }
}

template <class Out>
void put_decision(Out& out, const Decision& decision, const DecisionContext& context) noexcept {
    put_varint(out, wire::Decision::kRunFieldNumber, decision.run);
    put_fixed64(out, wire::Decision::kEventFieldNumber, decision.event);
    put_varint(out, wire::Decision::kOutcomeFieldNumber,
               static_cast<std::uint64_t>(decision.outcome));
    for (const PathResult& path : decision.paths) {
        put_message(out, wire::Decision::kPathsFieldNumber,
                    [&](auto& inner) noexcept { put_path(inner, path); });
    }
    for (std::size_t stream = 0; stream < context.stream_names.size(); ++stream) {
        if ((decision.streams >> stream & 1U) != 0) {
            put_text(out, wire::Decision::kStreamsFieldNumber, context.stream_names[stream]);
        }
    }
    put_fixed64(out, wire::Decision::kMenuHashFieldNumber, context.menu_hash);
    if (!context.model_hashes.empty()) {
        put_tag(out, wire::Decision::kModelHashFieldNumber, Wire::WIRETYPE_LENGTH_DELIMITED);
        out.varint(8 * context.model_hashes.size());
        for (const std::uint64_t hash : context.model_hashes) {
            out.fixed64(hash);
        }
    }
    put_fixed64(out, wire::Decision::kLatencyNsFieldNumber, decision.latency_ns);
    for (const std::string_view reason : decision.reasons) {
        put_text(out, wire::Decision::kReasonsFieldNumber, reason);
    }
    for (const ModelExplanation& explanation : decision.explanations) {
        if (explanation.contributions.empty() && explanation.kept.empty()) {
            continue;  // that model had nothing to tell; its place keeps its buffers
        }
        put_message(out, wire::Decision::kModelsFieldNumber,
                    [&](auto& inner) noexcept { put_explanation(inner, explanation, context); });
    }
}

template <class Out>
void put_fragments(Out& out, const Event& event) noexcept {
    for (SourceIndex source = 0; source < event.fragments.size(); ++source) {
        if (!event.has(source)) {
            continue;
        }
        const EventFragment& kept = event.fragments[source];
        const Fragment fragment{event.run,     event.number,      kept.source, kept.timestamp_ns,
                                kept.sequence, kept.payload_type, kept.crc32c, kept.payload};
        const std::size_t bytes = encoded_fragment_bytes(fragment);
        put_tag(out, wire::SelectedEvent::kFragmentsFieldNumber, Wire::WIRETYPE_LENGTH_DELIMITED);
        out.varint(bytes);
        out.fragment(fragment, bytes);
    }
}

ReadDecision read_decision(const wire::Decision& message) {
    ReadDecision decision;
    decision.run = message.run();
    decision.event = message.event();
    const int outcome = message.outcome();
    decision.outcome = outcome >= 0 && outcome < static_cast<int>(kOutcomeCount)
                           ? static_cast<Outcome>(outcome)
                           : Outcome::unspecified;
    decision.paths.reserve(static_cast<std::size_t>(message.paths_size()));
    for (const wire::PathResult& path : message.paths()) {
        decision.paths.push_back(
            {path.path(), path.accepted(), path.prescaled_away(), path.score(), path.threshold()});
    }
    decision.stream_names.assign(message.streams().begin(), message.streams().end());
    decision.menu_hash = message.menu_hash();
    decision.model_hashes.assign(message.model_hash().begin(), message.model_hash().end());
    decision.latency_ns = message.latency_ns();
    decision.reasons.assign(message.reasons().begin(), message.reasons().end());
    for (const wire::ModelResult& model : message.models()) {
        decision.explanations.push_back(
            {model.model(),
             model.name(),
             {model.contributions().begin(), model.contributions().end()},
             {model.kept().begin(), model.kept().end()}});
    }
    return decision;
}

EventFragment read_fragment(const wire::Fragment& message) {
    EventFragment fragment;
    fragment.source = message.source();
    fragment.timestamp_ns = message.timestamp_ns();
    fragment.sequence = message.sequence();
    fragment.payload_type = PayloadType{static_cast<std::uint32_t>(message.payload_type())};
    if (message.has_crc32c()) {
        fragment.crc32c = message.crc32c();
    }
    const auto payload = std::as_bytes(std::span(message.payload()));
    fragment.payload.assign(payload.begin(), payload.end());
    return fragment;
}

}  // namespace

void encode_selected_event(const Event& event, const Decision& decision,
                           const DecisionContext& context, std::string& out) noexcept {
    const auto put_all = [&](auto& target) noexcept {
        put_message(target, wire::SelectedEvent::kDecisionFieldNumber,
                    [&](auto& inner) noexcept { put_decision(inner, decision, context); });
        put_fragments(target, event);
    };
    Size size;
    put_all(size);
    out.resize(size.bytes);
    Text text{reinterpret_cast<std::uint8_t*>(out.data())};
    put_all(text);
    Ensures(text.at == reinterpret_cast<std::uint8_t*>(out.data()) + size.bytes);
}

tl::expected<ReadSelectedEvent, std::string> decode_selected_event(
    std::span<const std::byte> message, std::size_t limit_bytes) {
    Expects(limit_bytes >= 1 && limit_bytes <= std::size_t{1} << 30U);
    silence_protobuf_log();
    if (message.size() > limit_bytes) {
        return tl::unexpected("selected event of " + std::to_string(message.size()) +
                              " bytes (too large); at most " + std::to_string(limit_bytes));
    }
    wire::SelectedEvent parsed;
    if (!parsed.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
        return tl::unexpected("selected event of " + std::to_string(message.size()) +
                              " bytes (malformed); a serialised tamis.wire.SelectedEvent");
    }
    ReadSelectedEvent event{read_decision(parsed.decision()), {}};
    event.fragments.reserve(static_cast<std::size_t>(parsed.fragments_size()));
    for (const wire::Fragment& fragment : parsed.fragments()) {
        event.fragments.push_back(read_fragment(fragment));
    }
    return event;
}

}  // namespace tamis::streams
