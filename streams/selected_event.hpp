// What leaves the node: a decision with the fragments of its event, as one wire.SelectedEvent; and
// the way back for whoever reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/decision.hpp"
#include "streams/event.hpp"

namespace tamis::streams {

// Replaces `out` by the serialised wire.SelectedEvent, byte for byte what Protocol Buffers write:
// the fragments that were seen, in the order of the sources. No state, any thread; `out` keeps its
// capacity: reused, it allocates nothing. Stream bits and model indices are those of `context`.
void encode_selected_event(const Event& event, const Decision& decision,
                           const DecisionContext& context, std::string& out) noexcept;

struct ReadExplanation {
    std::uint32_t model = 0;  // index in ReadDecision::model_hashes
    std::string model_name;
    std::vector<float> contributions;
    std::vector<std::uint32_t> kept;
    friend bool operator==(const ReadExplanation&, const ReadExplanation&) = default;
};

// A decision that owns all it says.
struct ReadDecision {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    Outcome outcome = Outcome::unspecified;
    std::vector<PathResult> paths;
    std::vector<std::string> stream_names;
    std::uint64_t menu_hash = 0;
    std::vector<std::uint64_t> model_hashes;
    std::uint64_t latency_ns = 0;
    std::vector<std::string> reasons;
    std::vector<ReadExplanation> explanations;
    friend bool operator==(const ReadDecision&, const ReadDecision&) = default;
};

struct ReadSelectedEvent {
    ReadDecision decision;
    std::vector<EventFragment> fragments;
};

// Reads one serialised wire.SelectedEvent of at most limit_bytes (1 .. 2^30); the memory it may
// take is some thirty times that for bytes made to hurt. Or a message "what (why); what would be
// right". Checksums of the fragments are kept, not checked.
[[nodiscard]] tl::expected<ReadSelectedEvent, std::string> decode_selected_event(
    std::span<const std::byte> message, std::size_t limit_bytes = std::size_t{32} << 20);

}  // namespace tamis::streams
