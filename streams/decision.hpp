// What the menu said of one event: the in-memory form of wire.Decision. Its vectors keep their
// capacity, so that a reused decision allocates nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::streams {

// Numbers as in wire.proto.
enum class Outcome : std::uint8_t {
    unspecified = 0,
    accepted = 1,
    rejected = 2,
    debug_incomplete = 3,
    debug_timeout = 4,
    debug_malformed = 5,
    debug_crash = 6,
    shed = 7,
    abandoned = 8,
};
inline constexpr std::size_t kOutcomeCount = 9;

[[nodiscard]] std::string_view to_string(Outcome outcome) noexcept;

struct PathResult {
    std::uint32_t path = 0;  // index in the menu
    bool accepted = false;
    bool prescaled_away = false;
    float score = 0;
    float threshold = 0;
    friend bool operator==(const PathResult&, const PathResult&) = default;
};

// What one model said, kept for whoever asks why: values named by the model's manifest (VAE:
// negative log-likelihood of each feature; ringer: discriminant of each cluster; seed filter: score
// of each doublet) and the candidates it kept.
struct ModelExplanation {
    std::uint32_t model = 0;  // index in DecisionContext::model_hashes
    std::vector<float> contributions;
    std::vector<std::uint32_t> kept;
};

// Streams are bits: bit i of a mask is stream i of the menu.
using StreamMask = std::uint64_t;
inline constexpr std::size_t kMaxStreams = 64;

struct Decision {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    Outcome outcome = Outcome::unspecified;
    bool is_incomplete = false;  // of an event that lacked a source and waited for its window
    StreamMask streams = 0;
    std::vector<PathResult> paths;
    std::vector<ModelExplanation> explanations;  // empty ones are not sent
    std::uint64_t latency_ns = 0;  // last fragment's arrival to this decision, steady clock
    std::vector<std::string_view> reasons;  // literals or strings that outlive the decision
};

// What is the same for every decision of a run.
struct DecisionContext {
    std::uint64_t menu_hash = 0;
    std::vector<std::uint64_t> model_hashes;
    std::vector<std::string> model_names;   // by index in model_hashes
    std::vector<std::string> stream_names;  // by bit of StreamMask
};

}  // namespace tamis::streams
