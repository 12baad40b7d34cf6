// The decisions that a recording of selected events holds, to be compared with those of a replay.
// Cold path, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/decision.hpp"
#include "streams/recording/recording_reader.hpp"

namespace tamis::streams {

struct RecordedDecision {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    Outcome outcome = Outcome::unspecified;
    std::vector<PathResult> paths;
    std::vector<std::string> streams;
    std::uint64_t menu_hash = 0;
    std::vector<std::uint64_t> model_hashes;
    std::uint64_t latency_ns = 0;
    std::vector<std::string> reasons;
};

// decision: one serialised wire.Decision. Nothing when it is none.
[[nodiscard]] std::optional<RecordedDecision> parse_decision(std::span<const std::byte> decision);

struct RecordedDecisions {
    std::vector<RecordedDecision> decisions;  // by run, then event; each once
    std::uint64_t malformed_count = 0;
    ReadEnd end = ReadEnd::complete;
    std::string end_reason;  // where `end` is not complete

    // Null where the recording does not have it.
    [[nodiscard]] const RecordedDecision* find(std::uint32_t run, std::uint64_t event) const;
};

// Errors: cannot be opened, no recording, or one without selected events.
[[nodiscard]] tl::expected<RecordedDecisions, std::string> read_recorded_decisions(
    std::string_view path, const RecordingSelection& selection = {});

}  // namespace tamis::streams
